// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Images
import Linux
import OCI

struct DiskFree: Command {
    static let name: StaticString = "df"
    static let summary: StaticString = "show what takes room on the disk"
    static let operands: Operands = ""
    static var options: [CommandOption<Self>] {
        [
            .flag("-v, --verbose", "each image, container and volume") { $0.isVerbose = $1 },
            .text("--format table|json|TEMPLATE", "how to print it") { $0.format = try ListFormat($1) },
        ]
    }

    var isVerbose = false
    var format = ListFormat.table

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        if isVerbose { return try showAll(in: home) }
        let rows = try home.diskUsage().map(DiskRow.init)
        try Output.standard.write(format.text(rows, width: Output.standard.tableWidth))
        return 0
    }
}

extension DiskFree {
    private func showAll(in home: borrowing Home) throws -> Int32 {
        guard case .table = format else { throw UsageError("--verbose has tables of its own; leave --format out") }
        let width = Output.standard.tableWidth
        let now = Timestamp.now
        let listings = try home.listings()
        let images = try home.withImages { (store) throws(ImageError) in try store.list() }
        let imageRows = images.map { UsedImageRow($0, among: images, listings, now: now) }
        let containers = listings.map { SizedContainerRow(ContainerRow($0, size: home.size(of: $0.record), now: now)) }
        let mounts = listings.flatMap(\.record.volumeNames)
        let volumes = try home.volumes().map { volume in
            UsedVolumeRow(name: volume.name, links: mounts.count { $0 == volume.name }, size: home.size(of: volume))
        }
        try Output.standard.write("Images space usage:\n\n" + ListFormat.table.text(imageRows, width: width))
        try Output.standard.write("\nContainers space usage:\n\n" + ListFormat.table.text(containers, width: width))
        try Output.standard.write("\nLocal Volumes space usage:\n\n" + ListFormat.table.text(volumes, width: width))
        return 0
    }
}

private struct UsedImageRow: ListRow {
    let row: ImageRow
    /// Bytes of layers that other images have too.
    let shared: Int64
    let size: Int64
    let containers: Int
    var quiet: String { row.quiet }

    init(_ listing: ImageListing, among images: [ImageListing], _ listings: [Listing], now: Timestamp) {
        row = ImageRow(listing, now: now)
        let image = listing.image
        let others = images.compactMap(\.image).filter { $0.id != image?.id }
        size = image?.size ?? 0
        shared = image?.size(ofLayers: { layer in others.contains { $0.layers.contains(layer) } }) ?? 0
        containers = listings.count { $0.record.layers != nil && $0.record.layers == image?.layers.map(\.hex) }
    }

    static var columns: [Column<Self>] {
        ImageRow.columns.filter(\.isShown).map { $0.lifted { $0.row } } + [
            Column("SHARED SIZE", "SharedSize") { DecimalBytes($0.shared).description },
            Column("UNIQUE SIZE", "UniqueSize") { DecimalBytes($0.size - $0.shared).description },
            Column("CONTAINERS", "Containers") { "\($0.containers)" },
        ]
    }
}

private struct SizedContainerRow: ListRow {
    let row: ContainerRow
    var quiet: String { row.quiet }

    init(_ row: ContainerRow) { self.row = row }

    static var columns: [Column<Self>] {
        ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"].flatMap { name in
            ContainerRow.columns.filter { $0.isNamed(name) }.map { $0.lifted(shown: true) { $0.row } }
        }
    }
}

private struct UsedVolumeRow: ListRow {
    let name: String
    let links: Int
    let size: Int64
    var quiet: String { name }

    static var columns: [Column<Self>] {
        [
            Column("VOLUME NAME", "Name", shrinksTo: 12) { $0.name },
            Column("LINKS", "Links") { "\($0.links)" },
            Column("SIZE", "Size") { DecimalBytes($0.size).description },
        ]
    }
}

private struct DiskRow: ListRow {
    let usage: DiskUsage
    var quiet: String { usage.kind }

    init(_ usage: DiskUsage) { self.usage = usage }

    static var columns: [Column<Self>] {
        [
            Column("TYPE", "Type") { $0.usage.kind },
            Column("TOTAL", "TotalCount") { "\($0.usage.total)" },
            Column("ACTIVE", "Active") { "\($0.usage.active)" },
            Column("SIZE", "Size") { DecimalBytes($0.usage.bytes, digits: 4).description },
            Column("RECLAIMABLE", "Reclaimable") { row in
                let share = row.usage.bytes > 0 ? " (\(row.usage.reclaimable * 100 / row.usage.bytes)%)" : ""
                return "\(DecimalBytes(row.usage.reclaimable, digits: 4))\(share)"
            },
        ]
    }
}
