// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import Images
import JSON
import Linux
import OCI

struct ImageList: Command {
    static let name: StaticString = "images"
    static let summary: StaticString = "list images"
    static let operands: Operands = "[REPOSITORY[:TAG]]"
    static let examples = [Example("minictl images --filter dangling=true -q", "ids of those without a name")]

    static var options: [CommandOption<Self>] {
        [
            .flag("-a, --all", "docker's; there are no hidden images here") { _, _ in },
            .flag("-q, --quiet", "ids alone") { $0.isQuiet = $1 },
            .flag("--no-trunc", "whole ids") { $0.isWhole = $1 },
            .flag("--tree", "docker's, for images of several platforms", hidden: true) { _, isOn in
                if isOn { throw UsageError("there is no tree to show: an image here is for this machine alone") }
            },
            .flag("--digests", "with the digests of their manifests") { $0.showsDigests = $1 },
            .text(
                "-f, --filter KEY=VALUE",
                "reference=PATTERN, dangling=true|false, label=KEY[=VALUE], before=IMAGE, since=IMAGE; may be repeated"
            ) {
                try $0.filter.add($1)
            },
            .text("--format table|json|TEMPLATE", "how to print them") { $0.format = try ListFormat($1) },
        ]
    }

    var isQuiet = false
    var isWhole = false
    var showsDigests = false
    var filter = ImageFilter()
    var format = ListFormat.table

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        var filter = filter
        if let pattern = arguments.first { try filter.add("reference=\(pattern)") }
        try home.withImages { (store) throws(ImageError) in try filter.findMoments(in: store) }
        let now = Timestamp.now
        var rows = try home.withImages { (store) throws(ImageError) in try store.list() }.filter(filter.holds).map {
            ImageRow($0, now: now)
        }
        rows.sort { $0.created > $1.created }
        if isQuiet {
            var seen: Set<String> = []
            let ids = rows.map { isWhole ? $0.id : $0.quiet }.filter { seen.insert($0).inserted }
            try Output.standard.write(ids.map { $0 + "\n" }.joined())
        } else if showsDigests, case .table = format {
            try Output.standard.write(ListFormat.table.text(rows.map(DigestRow.init), isWhole: isWhole, width: Output.standard.tableWidth))
        } else {
            try Output.standard.write(format.text(rows, isWhole: isWhole, width: Output.standard.tableWidth))
        }
        return 0
    }
}

/// The conditions of `images --filter`.
struct ImageFilter {
    private var patterns: [String] = []
    private var isDangling: Bool?
    private var labels: [LabelCondition] = []
    /// Images that it is to be older than, and younger than.
    private var before: [String] = []
    private var since: [String] = []
    private var oldest: Timestamp?
    private var youngest: Timestamp?

    mutating func add(_ text: String) throws(UsageError) {
        let pair = try KeyValue(text, requiresValue: true)
        let value = pair.value ?? ""
        switch pair.key {
        case "reference": patterns.append(value)
        case "dangling":
            guard value == "true" || value == "false" else { throw UsageError("dangling is true or false, not '\(value)'") }
            isDangling = value == "true"
        case "label": labels.append(LabelCondition(value))
        case "before": before.append(value)
        case "since": since.append(value)
        default: throw UsageError("there is no filter '\(pair.key)'; there are reference, dangling, label, before, since")
        }
    }

    /// Looks up when the images were made that others are compared with.
    mutating func findMoments(in store: borrowing ImageStore) throws(ImageError) {
        func moments(_ words: [String]) throws(ImageError) -> [Timestamp] {
            var moments: [Timestamp] = []
            for word in words { moments.append(try store.image(named: word).made) }
            return moments
        }
        youngest = try moments(before).min()
        oldest = try moments(since).max()
    }

    func holds(for listing: ImageListing) -> Bool {
        if let isDangling, (listing.name == nil) != isDangling { return false }
        guard labels.allSatisfy({ $0.holds(for: listing.image?.config.config?.labels) }) else { return false }
        if let youngest, listing.image.map({ $0.made < youngest }) != true { return false }
        if let oldest, listing.image.map({ $0.made > oldest }) != true { return false }
        return patterns.isEmpty || patterns.contains { Self.matches($0, listing) }
    }

    /// A pattern of the shell (`fnmatch(3)`) for the repository, or for repository and tag.
    private static func matches(_ pattern: String, _ listing: ImageListing) -> Bool {
        guard let reference = listing.reference else { return false }
        let names: [String] = [reference.familiarName, reference.familiar, reference.name, reference.description]
        return names.contains { name in fnmatch(pattern, name, FNM_PATHNAME) == 0 }
    }
}

extension Image {
    /// When it was made; long ago if it does not say.
    fileprivate var made: Timestamp { config.created.flatMap { Timestamp($0) } ?? Timestamp(nanoseconds: 0) }
}

extension Reference {
    /// docker's short name, without tag and digest.
    var familiarName: String {
        let suffix = (tag.map { $0.utf8.count + 1 } ?? 0) + (digest.map { $0.description.utf8.count + 1 } ?? 0)
        return String(familiar.dropLast(suffix))
    }
}

/// An image in a list, once for each of its names.
struct ImageRow: ListRow {
    let listing: ImageListing
    let now: Timestamp

    init(_ listing: ImageListing, now: Timestamp) {
        self.listing = listing
        self.now = now
    }

    var id: String { (listing.image?.id ?? listing.manifestDigest).description }
    var quiet: String { String(id.dropFirst(7).prefix(12)) }
    var created: String { listing.image?.config.created ?? "" }

    static var columns: [Column<Self>] {
        [
            Column("REPOSITORY", "Repository", shrinksTo: 10) { $0.listing.reference?.familiarName ?? $0.listing.name ?? "<none>" },
            Column("TAG", "Tag", shrinksTo: 6) { $0.listing.reference?.tag ?? "<none>" },
            Column("DIGEST", "Digest", isShown: false) { $0.listing.manifestDigest.description },
            Column("IMAGE ID", "ID") { $0.id }.brief { $0.quiet },
            Column("CREATED", "CreatedSince") { row in Elapsed(since: row.created, until: row.now).map { "\($0) ago" } ?? "N/A" },
            Column("CREATED AT", "CreatedAt", isShown: false) { LocalTime($0.created).description },
            Column("SIZE", "Size") { $0.listing.image.map { DecimalBytes($0.size).description } ?? "damaged" },
        ]
    }
}

/// The same with its digest in the table.
private struct DigestRow: ListRow {
    let row: ImageRow
    var quiet: String { row.quiet }

    init(_ row: ImageRow) { self.row = row }

    static var columns: [Column<Self>] {
        ImageRow.columns.filter { $0.isShown || $0.isNamed("Digest") }.map { $0.lifted(shown: true) { $0.row } }
    }
}
