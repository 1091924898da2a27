// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Images
import Linux
import OCI

extension Home {
    func checkImages(_ checkup: inout Checkup) throws(EngineError) {
        var faults: [StoreFault] = []
        let (deep, mends) = (checkup.deep, checkup.mends)
        do throws(EngineError) {
            try withImages { (store) throws(ImageError) in try store.audit(deep: deep, mends: mends) { faults.append($0) } }
            // Apart from that, which may take long: whoever starts a container waits for this.
            try whileNoneIsMade { users throws(EngineError) in
                try withImages { (store) throws(ImageError) in
                    try store.auditTrees(users: users, mends: mends) { faults.append($0) }
                }
            }
        } catch {
            for fault in faults { checkup.found(fault.place, fault.sentence, advice: "not mended: \(error)") }
            checkup.found("images", "the store cannot be looked through: \(error)", advice: "mend what is named there, and check again")
            return
        }
        for fault in faults { checkup.found(fault.place, fault.sentence, mended: fault.mending) }
    }

    func checkVolumes(_ checkup: inout Checkup) throws(EngineError) {
        for listing in try listings() {
            for mount in listing.record.mounts ?? [] where mount.type == "volume" {
                guard let name = mount.name, ContainerName(name) != nil, let status = volumeKind(name) else { continue }
                let place = "containers/.volumes/\(name)"
                switch status {
                case .missing:
                    checkup.found(
                        place, "the volume of \(listing.record.name) is missing, so it cannot start", mending: "make it anew, empty"
                    ) {
                        () throws(EngineError) in
                        do throws(SystemError) {
                            try Directory.make(".volumes", at: containers.place)
                            try Directory.make(".volumes/\(name)", at: containers.place, mode: 0o755)
                        } catch { throw .system(doing: "make it", error) }
                    }
                case .foreign:
                    checkup.found(place, "the volume of \(listing.record.name) is no directory", advice: "move away what is there")
                }
            }
        }
    }

    /// What is written down of volumes: of one that is gone, only half, or so that nobody understands it.
    func checkVolumeFiles(_ checkup: inout Checkup) throws(EngineError) {
        guard let folder = try volumeFolder() else { return }
        let used = Set(try listings().flatMap(\.record.volumeNames))
        let files: [String]
        do throws(SystemError) {
            files = try folder.directory.entries().filter { $0.kind == .regular }.map(\.name).sorted()
        } catch { throw .system(doing: "list the volumes", error) }
        for file in files {
            let place = "containers/.volumes/\(file)"
            var stray: String? = file.hasSuffix(".tmp") ? "somebody was killed while writing this" : nil
            if let name = VolumeFolder.volume(ofFile: file) {
                if volumeKind(name) == .missing, !used.contains(name) { stray = "the volume that this is about is gone" }
                if stray == nil, (try? folder.definition(of: name)) == nil {
                    checkup.found(
                        place, "what is known of the volume cannot be understood, so no container starts with it",
                        advice: "put the file aside, and with it the volume's labels and options")
                }
            }
            guard let stray else { continue }
            checkup.found(place, stray, mending: "remove it") { () throws(EngineError) in
                do throws(SystemError) { try Directory.removeAll(".volumes/\(file)", at: containers.place) } catch {
                    throw .system(doing: "remove it", error)
                }
            }
        }
    }

    private enum VolumeFault { case missing, foreign }

    /// Nil for one that is as it should be.
    private func volumeKind(_ name: String) -> VolumeFault? {
        guard let status = try? FileStatus(of: ".volumes/\(name)", at: containers.place) else { return .missing }
        return status.kind == .directory ? nil : .foreign
    }

    /// Files of containers that are gone. Those of the living, and of the dead whom the sweep has just put away, are none.
    func checkRuntime(_ checkup: inout Checkup) throws(EngineError) {
        var names: [String] = []
        do throws(SystemError) { names = try runtime.entries().map(\.name).sorted() } catch {
            throw .system(doing: "list the runtime files", error)
        }
        for name in names {
            guard let id = ContainerID(name.prefix(64)), name.utf8.count > 64 else { continue }
            if Watch.isHeld(id, in: self) || faccessat(runtime.raw, id.text, F_OK, 0) == 0 { continue }
            checkup.found("runtime/\(name)", "the container that had this does not run any more", mending: "remove it") {
                () throws(EngineError) in
                do throws(SystemError) { try Directory.removeAll(name, at: runtime.place) } catch {
                    throw .system(doing: "remove it", error)
                }
            }
        }
    }

    /// Cgroups that bear our name, whose container is gone. Other roots have such too: only those that our journal knows are ours for
    /// certain; with `deep` all count that have stood empty for a while.
    func checkCgroups(_ checkup: inout Checkup) throws(EngineError) {
        let hierarchy = try Hierarchy.machine()
        let known = Set(try ids().map(\.text))
        var strays: [String: [CgroupPaths.Entry]] = [:]
        for mount in hierarchy.mounts {
            guard let names = try? FileDescriptor(opening: mount.point, [.directory]).entries() else { continue }
            for entry in names where entry.kind == .directory && entry.name.hasPrefix("minictl-") {
                guard let id = ContainerID(entry.name.dropFirst("minictl-".utf8.count)), !known.contains(id.text) else { continue }
                strays[id.text, default: []].append(.init(label: mount.label, directory: "\(mount.point)/\(entry.name)"))
            }
        }
        if strays.isEmpty { return }
        let ours = Journal(root: path).subjects
        for (id, entries) in strays.sorted(by: { $0.key < $1.key }) {
            let cgroup = Cgroup(CgroupPaths(entries))
            let isOurs = ours.contains(id)
            guard isOurs || (checkup.deep && entries.allSatisfy { Self.isOld($0.directory) }), let watched = ContainerID(id),
                !Watch.isHeld(watched, in: self), (try? cgroup.processes().isEmpty) == true
            else { continue }
            let sentence = isOurs ? "its container is gone" : "nobody has been in it for a while; it may be another root's"
            checkup.found("cgroup minictl-\(ContainerID.short(id))", sentence, mending: "remove it") { () throws(EngineError) in
                do throws(CgroupError) { try cgroup.remove(within: 100) } catch { throw .refused("\(error)") }
            }
        }
    }

    /// Older than any container takes from the making of its cgroup to its first process.
    private static func isOld(_ directory: String) -> Bool {
        guard let status = try? FileStatus(of: directory) else { return false }
        return Timestamp.now.nanoseconds &- status.modificationTime.nanoseconds > 60_000_000_000
    }
}
