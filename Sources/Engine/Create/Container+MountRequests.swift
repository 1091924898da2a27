// SPDX-License-Identifier: Apache-2.0
import Linux
import OCI

/// What a container has mounted, as one asks for it: to have the container made again, and for another one.
extension Container {
    /// - Parameter lenders: containers that are named as such, by id.
    func mountRequests(_ spec: Spec, _ image: ImageConfig.Config?, besides lenders: [String]) -> [MountRequest] {
        var requests: [MountRequest] = []
        for point in record.mounts ?? [] where point.live?.isKept != false {
            if let lender = point.lender, lenders.contains(lender) { continue }
            let isNew = point.anonymous && point.lender == nil
            if isNew, image?.volumes?[point.destination] != nil { continue }
            requests.append(request(for: point, spec, volume: isNew ? nil : point.name))
        }
        return requests
    }

    private func request(for point: Record.MountPoint, _ spec: Spec, volume: String?) -> MountRequest {
        let kind: MountRequest.Kind =
            switch point.type {
            case "tmpfs": .tmpfs
            case "volume": .volume(name: volume)
            default: .bind(source: point.source, createsSource: true)
            }
        var request = MountRequest(kind: kind, destination: point.destination)
        request.isReadOnly = !point.writable
        let options = spec.mounts?.last { $0.destination == point.destination }?.options ?? []
        request.options =
            point.type == "tmpfs"
            ? options.dropFirst(3).filter { $0 != "ro" }
            : options.filter { !["rbind", "rw", "rro", "ro", "rprivate", "ridmap"].contains($0) }
        return request
    }

    /// Its folders and volumes for another container. What is in memory, or there only for a while, stays its own; so does what it debugs,
    /// which is known by the number of a process.
    func lentMounts(isReadOnly: Bool) throws(EngineError) -> [MountRequest] {
        let spec = try spec()
        let place = record.joins?["mnt"] == nil ? nil : Home.debugPlace
        let points = (record.mounts ?? []).filter { $0.type != "tmpfs" && $0.destination != place && $0.live?.isKept != false }
        return points.map { point in
            var request = request(for: point, spec, volume: point.name)
            request.isReadOnly = isReadOnly || !point.writable
            request.copiesUp = false
            request.lender = id
            request.isAnonymous = point.anonymous
            return request
        }
    }

    /// Those of its lenders that are there still.
    func lenders(in home: borrowing Home) -> [(id: String, request: Lender)] {
        (record.lenders ?? []).compactMap { text in
            let isReadOnly = text.hasSuffix(":ro")
            guard let id = ContainerID(isReadOnly ? text.dropLast(3) : text[...]), let name = try? home.container(id).name else {
                return nil
            }
            return (id.text, Lender(container: name, isReadOnly: isReadOnly))
        }
    }

    static func shmSize(_ spec: Spec) -> UInt64? {
        let mount = spec.mounts?.first { $0.destination == "/dev/shm" }
        return mount?.options?.first { $0.hasPrefix("size=") }.flatMap { UInt64($0.dropFirst(5)) }
    }
}
