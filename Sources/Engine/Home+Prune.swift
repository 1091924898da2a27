// SPDX-License-Identifier: Apache-2.0
import Images
package import Linux
package import Network
import OCI

/// The conditions of `container prune --filter`.
package struct PruneFilter: Sendable {
    private var labels: [(condition: LabelCondition, isWanted: Bool)] = []
    private var until: Timestamp?

    package init() {}

    /// Made before that moment.
    package mutating func add(until moment: Timestamp) { until = min(until ?? moment, moment) }

    /// With that label, or without it.
    package mutating func add(label text: String, isWanted: Bool) { labels.append((LabelCondition(text), isWanted)) }

    package var asksForTime: Bool { until != nil }

    func holds(for record: Record) -> Bool { holds(created: record.created, labels: record.labels) }

    /// One that is damaged holds for no condition.
    func holds(for image: Image?) -> Bool {
        if labels.isEmpty, until == nil { return true }
        return image.map { holds(created: $0.config.created ?? "", labels: $0.config.config?.labels) } ?? false
    }

    /// When a volume was made nobody knows, so that is asked of none.
    func holds(for volume: Volume) -> Bool { holds(created: "", labels: volume.labels) }

    package func holds(for network: NetworkDefinition) -> Bool { holds(created: network.created, labels: network.labels) }

    private func holds(created: String, labels theirs: [String: String]?) -> Bool {
        if let until, Timestamp(created).map({ $0 >= until }) ?? true { return false }
        return labels.allSatisfy { $0.condition.holds(for: theirs) == $0.isWanted }
    }
}

extension Home {
    /// Removes every container that does not run. Gives back their ids, and how many bytes they had written.
    package func pruneContainers(_ filter: PruneFilter, failed: (EngineError) -> Void) throws(EngineError) -> (ids: [String], bytes: Int64)
    {
        var ids: [String] = []
        var bytes: Int64 = 0
        for listing in try listings() where listing.status.allows(.remove) && filter.holds(for: listing.record) {
            let size = size(of: listing.record).own
            do throws(EngineError) {
                try remove(listing.record.id)
                ids.append(listing.record.id)
                bytes.add(size: size)
            } catch .notFound {
                // Somebody else has removed it.
            } catch { failed(error) }
        }
        tellPrune(.container, bytes: bytes)
        return (ids, bytes)
    }

    /// What takes room on the disk, one line for each kind of thing.
    package func diskUsage() throws(EngineError) -> [DiskUsage] {
        let listings = try listings()
        var images = DiskUsage(kind: "Images")
        var seen: Set<String> = []
        for listing in try withImages({ (store) throws(ImageError) in try store.list() }) {
            guard let image = listing.image, seen.insert(image.id.description).inserted else { continue }
            images.add(image.size, isActive: listings.contains { $0.record.layers == image.layers.map(\.hex) })
        }
        var containers = DiskUsage(kind: "Containers")
        for listing in listings {
            var size = TreeSize()
            try? size.add("\(listing.record.id)/upper", at: self.containers.place)
            containers.add(size.bytes, isActive: listing.status.isGoingOn)
        }
        var volumes = DiskUsage(kind: "Local Volumes")
        let used = Set(listings.flatMap(\.record.volumeNames))
        for volume in try self.volumes() { volumes.add(size(of: volume), isActive: used.contains(volume.name)) }
        return [images, containers, volumes]
    }
}

/// What one kind of thing takes on the disk, in bytes.
package struct DiskUsage: Sendable {
    package let kind: String
    package private(set) var total = 0
    package private(set) var active = 0
    package private(set) var bytes: Int64 = 0
    package private(set) var reclaimable: Int64 = 0

    init(kind: String) { self.kind = kind }

    mutating func add(_ size: Int64, isActive: Bool) {
        total += 1
        bytes.add(size: size)
        if isActive { active += 1 } else { reclaimable.add(size: size) }
    }
}
