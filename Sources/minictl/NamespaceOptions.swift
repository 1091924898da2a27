// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import OCI

/// What a container shares with the host or with others.
struct NamespaceOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .heading("Namespaces"),
            .text("--pid host|private|container:ID", "whose processes it sees") { $0.choices.pid = try choice($1) },
            .text(
                "--ipc host|shareable|private|none|container:ID",
                "whose System V IPC, message queues and /dev/shm it uses (default shareable: its own, which others may join); none has no /dev/shm"
            ) { try $0.readIPC($1) },
            .text("--uts host|private|container:ID", "whose host name it has") { $0.choices.uts = try choice($1) },
            .text("--cgroupns host|private", "whose cgroup root it sees") {
                guard !$1.hasPrefix("container:"), let choice = try? choice($1) else { throw UsageError("'\($1)' is not host or private") }
                $0.choices.cgroup = choice
            },
            .text("--time-offset CLOCK=OFFSET", "a time namespace: monotonic=+1d,boottime=-2h") { try $0.readOffsets($1) },
        ]
    }

    var choices = Request.NamespaceChoices()
    var ipc = Request.IPCMode.shareable
    var offsets: [String: Spec.Linux.TimeOffset] = [:]

    private static func choice(_ text: String) throws(UsageError) -> Request.NamespaceChoice {
        switch text {
        case "", "private": return .own
        case "host": return .host
        default:
            guard text.hasPrefix("container:"), text.utf8.count > 10 else {
                throw UsageError("'\(text)' is not host, private or container:ID")
            }
            return .container(String(text.dropFirst(10)))
        }
    }

    private mutating func readIPC(_ text: String) throws(UsageError) {
        if let mode = text.isEmpty ? .shareable : Request.IPCMode(rawValue: text) {
            choices.ipc = .own
            ipc = mode
            return
        }
        guard let choice = try? Self.choice(text) else {
            throw UsageError("'\(text)' is not host, shareable, private, none or container:ID")
        }
        choices.ipc = choice
    }

    private mutating func readOffsets(_ text: String) throws(UsageError) {
        for part in text.split(separator: ",") {
            let pair = try KeyValue(String(part), requiresValue: true)
            guard pair.key == "monotonic" || pair.key == "boottime" else {
                throw UsageError("'\(pair.key)' is no clock, known are monotonic and boottime")
            }
            let word = pair.value ?? ""
            let isNegative = word.hasPrefix("-")
            let duration = try Duration(word: word.hasPrefix("+") || isNegative ? String(word.dropFirst()) : word)
            let (seconds, attoseconds) = duration.components
            let nanoseconds = attoseconds / 1_000_000_000
            // The kernel wants the fraction positive, so a negative offset borrows a second.
            offsets[pair.key] =
                isNegative && nanoseconds > 0
                ? Spec.Linux.TimeOffset(secs: -seconds - 1, nanosecs: UInt32(1_000_000_000 - nanoseconds))
                : Spec.Linux.TimeOffset(secs: isNegative ? -seconds : seconds, nanosecs: UInt32(nanoseconds))
        }
    }

    func apply(to request: inout Request) {
        let network = request.namespaces.network
        request.namespaces = choices
        request.namespaces.network = network
        request.ipc = ipc
        request.timeOffsets = offsets
    }
}
