// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import JSON
import Linux
import OCI

extension Home {
    func checkContainers(_ checkup: inout Checkup) throws(EngineError) {
        var ranges: [(first: UInt32, name: String)] = []
        for id in try ids().sorted(by: { $0.text < $1.text }) {
            // Somebody makes it, runs it or removes it just now.
            let isHeld = Watch.isHeld(id, in: self)
            let place = "containers/\(id.short)"
            let container: Container
            do throws(EngineError) { container = try self.container(id) } catch .notFound {
                if !isHeld { checkRemains(of: id, &checkup) }
                continue
            } catch {
                checkup.found(place, "its state.json cannot be understood", mending: Self.setAsideWords) { () throws(EngineError) in
                    try setAside(id)
                }
                continue
            }
            if try container.status(in: Machine.boot()).isUp, let first = container.record.idRange?.users {
                if let other = ranges.first(where: { UserRanges.overlap($0.first, first) }) {
                    checkup.found(place, "\(container.name) and \(other.name) run with the same user ids", advice: "restart one of them")
                }
                ranges.append((first, container.name))
            }
            if isHeld { continue }
            try checkRecord(container, &checkup)
            try checkFiles(container, &checkup)
        }
    }

    /// A directory without a record, and without the watch of somebody who was killed at work on it.
    private func checkRemains(of id: ContainerID, _ checkup: inout Checkup) {
        let place = "containers/\(id.short)"
        // Gone between the two looks.
        guard faccessat(containers.raw, id.text, F_OK, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        let hasFiles =
            (try? FileDescriptor(opening: "\(id)/upper", at: containers.place, [.directory, .noFollow]).entries().isEmpty) == false
        if hasFiles {
            return checkup.found(place, "its state.json is missing", mending: Self.setAsideWords) { () throws(EngineError) in
                try setAside(id)
            }
        }
        checkup.found(place, "nothing of a container but its directory", mending: "remove it") { () throws(EngineError) in
            guard let watch = try Watch(id, in: self) else { throw .refused("another process is at work on it") }
            try putAwayUnwritten(id)
            try remove(files: id, record: nil)
            try watch.end(in: self)
        }
    }

    private static var setAsideWords: String { "move it to containers/.lost, where the files it wrote are in upper" }

    /// What a container wrote is somebody's: without a record it can be no container any more, but it is kept.
    private func setAside(_ id: ContainerID) throws(EngineError) {
        guard let watch = try Watch(id, in: self) else { throw .refused("another process is at work on it") }
        try putAwayUnwritten(id)
        do throws(SystemError) {
            try Directory.make(".lost", at: containers.place)
            try containers.place.rename(id.text, to: containers.place, ".lost/\(id)-\(Timestamp.now.nanoseconds / 1_000_000_000)")
        } catch { throw .system(doing: "move the container's directory", error) }
        // Its name leads nowhere now, and goes with the names.
        try watch.end(in: self)
    }

    private func checkRecord(_ container: borrowing Container, _ checkup: inout Checkup) throws(EngineError) {
        let place = "containers/\(container.id.short)"
        let record = container.record
        do throws(EngineError) { _ = try container.spec() } catch {
            checkup.found(
                place, "\(record.name) cannot be started: \(error)",
                advice: "take what you need with 'minictl cp', then 'minictl rm \(record.name)'")
        }
        let id = container.id
        if let name = ContainerName(record.name), owner(of: name) != id {
            let isTaken = owner(of: name) != nil
            checkup.found(
                place, "its name \(record.name) \(isTaken ? "belongs to another container" : "is not to be found")",
                mending: isTaken ? "give it another name" : "give the name back"
            ) { () throws(EngineError) in try giveName(name, to: id) }
        }
        if !record.status(in: try Machine.boot()).isUp, let cgroup = record.cgroup, cgroup.values.contains(where: { access($0, F_OK) == 0 })
        {
            checkup.found(place, "\(record.name) does not run, but its cgroup is there", mending: "remove the cgroup") {
                () throws(EngineError) in
                try putAway(record)
            }
        }
    }

    private func giveName(_ wanted: ContainerName, to id: ContainerID) throws(EngineError) {
        var container = try container(id)
        var name = wanted
        for _ in 0..<16 {
            if symlinkat(id.text, containers.raw, name.text) == 0 {
                if name != wanted { try container.change { $0.name = name.text } }
                return
            }
            guard errno == EEXIST else { throw .system(doing: "take the name \(name)", SystemError(call: "symlink", errno: errno)) }
            do throws(SystemError) { name = try ContainerName.random() } catch { throw .system(doing: "make a name", error) }
        }
        throw .refused("every name that was tried is in use")
    }

    private func checkFiles(_ container: borrowing Container, _ checkup: inout Checkup) throws(EngineError) {
        let record = container.record
        let id = container.id
        let place = "containers/\(id.short)"
        for name in [".state.json.tmp", ".config.json.tmp"] where faccessat(container.directory.raw, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 {
            checkup.found("\(place)/\(name)", "somebody was killed while writing this", mending: "remove it") { () throws(EngineError) in
                do throws(SystemError) { try containers.place.unlink("\(id)/\(name)") } catch { throw .system(doing: "remove it", error) }
            }
        }
        guard let layers = record.layers else { return }
        for name in ["upper", "work"] where faccessat(container.directory.raw, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 {
            checkup.found(place, "\(record.name) has no folder \(name)", mending: "make it, empty") { () throws(EngineError) in
                do throws(SystemError) {
                    try Directory.make("\(id)/\(name)", at: containers.place, mode: name == "upper" ? 0o755 : 0o700)
                } catch {
                    throw .system(doing: "make it", error)
                }
            }
        }
        let missing = layers.filter { access("\(path)/images/unpacked/sha256/\($0)", F_OK) != 0 }
        guard !missing.isEmpty else { return }
        let sentence = "\(record.name) lacks \(missing.count == 1 ? "a layer" : "\(missing.count) layers") of its image \(record.image)"
        guard let imageID = record.imageID, let image = try? withImages({ (store) throws(ImageError) in try store.image(named: imageID) })
        else {
            return checkup.found(place, sentence, advice: "import or fetch the image again; its id is \(record.imageID ?? "unknown")")
        }
        checkup.found(place, sentence, mending: "unpack the image again") { () throws(EngineError) in
            try withImages { (store) throws(ImageError) in try store.unpack(image) }
        }
    }

    /// Names that lead to no container, or to one that has another name.
    func checkNames(_ checkup: inout Checkup) throws(EngineError) {
        var names: [ContainerName] = []
        do throws(SystemError) {
            for entry in try containers.entries() where entry.kind == .symlink {
                if let name = ContainerName(entry.name) { names.append(name) }
            }
        } catch { throw .system(doing: "list the containers", error) }
        for name in names.sorted(by: { $0.text < $1.text }) {
            let place = "containers/\(name)"
            guard let id = owner(of: name) else {
                checkup.found(place, "this link names no container", mending: "remove it") { () throws(EngineError) in try removeName(name)
                }
                continue
            }
            if Watch.isHeld(id, in: self) { continue }
            if faccessat(containers.raw, id.text, F_OK, AT_SYMLINK_NOFOLLOW) != 0 {
                checkup.found(place, "the container of this name is gone", mending: "free the name") { () throws(EngineError) in
                    _ = try freeStale(name)
                }
            } else if let record = try? container(id).record, record.name != name.text {
                checkup.found(place, "this is a second name of \(record.name)", mending: "remove it") { () throws(EngineError) in
                    try removeName(name)
                }
            }
        }
    }

    private func removeName(_ name: ContainerName) throws(EngineError) {
        do throws(SystemError) { try containers.place.unlink(name.text) } catch { throw .system(doing: "remove the name", error) }
    }
}
