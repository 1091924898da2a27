// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import JSON
import Linux

struct Events: Command {
    static let name: StaticString = "events"
    static let summary: StaticString = "show what happens to containers, images, volumes and networks, as it happens"
    static let operands: Operands = ""
    static let examples = [
        Example("minictl events --filter container=web", "what happens to one of them, until ^C"),
        Example("minictl events --since 1h --until 0s --filter event=die", "which containers ended within the last hour"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .text("--since TIME", "also what was before, from a moment such as 2026-11-25T14:29:33Z on, or from so long ago, such as 10m") {
                $0.since = try Timestamp(word: $1)
            },
            .text("--until TIME", "end at that moment") { $0.until = try Timestamp(word: $1) },
            .text("-f, --filter KEY=VALUE", "container, event, image, label, network, type, volume; may be repeated") {
                try $0.filter.add($1)
            },
            .text("--format json|TEMPLATE", "how to print them, for example '{{.Action}} {{.Actor.Attributes.name}}'") {
                $0.isJSON = $1 == "json" || $1 == "{{json .}}"
                $0.template = $0.isJSON ? nil : try Template($1)
            },
        ]
    }

    var since: Timestamp?
    var until: Timestamp?
    var filter = EventFilter()
    var isJSON = false
    var template: Template?

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        var query = EventQuery()
        query.since = since
        query.until = until
        query.filter = filter
        try home.events(query) { try Output.standard.write(text(of: $0) + "\n") }
        return 0
    }

    private func text(of event: Event) throws(UsageError) -> String {
        if isJSON { return try event.value.jsonText() }
        guard let template else { return event.line }
        return try template.shown(event.templateValue)
    }
}

extension Event {
    /// docker's: `2026-11-25T14:29:33.123456789+01:00 container start ID (image=base, name=web)`.
    fileprivate var line: String {
        let details = attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
        let text = "\(kind.rawValue) \(action) \(subject)" + (details.isEmpty ? "" : " (\(details))")
        return moment.localDescription + " " + escapeVisible(text)
    }

    /// The members under the names that docker's templates have.
    fileprivate var templateValue: JSONValue {
        guard case .object(var object) = value else { return value }
        for (name, old) in [
            ("Status", "status"), ("ID", "id"), ("From", "from"), ("Scope", "scope"), ("Time", "time"), ("TimeNano", "timeNano"),
        ] {
            object[name] = object[old] ?? .string("")
            object[old] = nil
        }
        return .object(object)
    }
}

extension Timestamp {
    /// RFC 3339 in the local time zone with nanoseconds.
    fileprivate var localDescription: String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        let offset = parts.tm_gmtoff
        if offset == 0 { return description }
        let local = Timestamp(nanoseconds: nanoseconds &+ Int64(offset) * 1_000_000_000).description
        func digits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let minutes = abs(offset) / 60
        return local.dropLast() + (offset < 0 ? "-" : "+") + digits(minutes / 60) + ":" + digits(minutes % 60)
    }
}
