// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI
import Runtime

extension Home {
    /// Mounts a folder, file or volume in a container that runs. It goes with the container's end, unless it is kept: then it is there again
    /// after each start, as if it had been given to `run`.
    package func addMount(_ word: String, _ request: MountRequest, isKept: Bool) throws(EngineError) {
        let id = try find(word)
        try changeMounts(id) { (container: inout Container, isUp: Bool) throws(EngineError) in
            guard isUp || isKept else {
                throw .refused("cannot mount in \(container.name): it does not run; with --keep it is mounted at the next start")
            }
            guard container.record.mounts?.contains(where: { $0.destination == request.destination }) != true else {
                throw .refused("\(container.name) has a mount at \(request.destination) already")
            }
            let view = try isUp ? container.openRoot() : container.openStopped(in: self)
            let volumes = Volumes(home: path, idmaps: container.record.users != nil, container: container.directory.place)
            var resolved = try volumes.resolve(request, root: view)
            guard isUp else { return try container.keep(resolved) }
            let process = try container.process(toAllow: .signal, "mount in")
            let number = try container.mount(resolved.mount, process)
            resolved.point.live = .init(mount: number, startTime: container.record.start?.startTime ?? 0, isKept: isKept)
            do throws(EngineError) {
                if isKept { return try container.keep(resolved) }
                container.record.mounts = (container.record.mounts ?? []) + [resolved.point]
                try container.save()
            } catch {
                // What is not written down nobody could take away again.
                if let pid = try? process.pid() { try? LiveMount.remove(request.destination, number, from: process, pid) }
                throw error
            }
        }
    }

    /// Takes a mount away that was added while the container ran, and from what is kept of it.
    package func removeMount(_ word: String, at destination: String) throws(EngineError) {
        let id = try find(word)
        try changeMounts(id) { (container: inout Container, isUp: Bool) throws(EngineError) in
            guard let index = container.record.mounts?.firstIndex(where: { $0.destination == destination }),
                let point = container.record.mounts?[index]
            else { throw .refused("\(container.name) has no mount at \(destination)") }
            guard let live = point.live else {
                throw .refused(
                    "the mount at \(destination) came with \(container.name) and stays; only what was added later can be taken away")
            }
            if isUp {
                let process = try container.process(toAllow: .signal, "unmount in")
                let isOfThisRun = live.startTime == container.record.start?.startTime
                do throws(LaunchError) {
                    try LiveMount.remove(destination, isOfThisRun ? live.mount : nil, from: process, process.number)
                } catch { throw .launch(error, limit: nil) }
            }
            if live.isKept { try container.forget(destination) }
            container.record.mounts?.remove(at: index)
            if container.record.mounts?.isEmpty == true { container.record.mounts = nil }
            try container.save()
        }
    }

    /// Changes what is mounted, under the container's lock, and under its watch where it does not run, so that nobody starts it meanwhile.
    private func changeMounts(_ id: ContainerID, _ body: (inout Container, Bool) throws(EngineError) -> Void) throws(EngineError) {
        let isUp = try container(id).status(in: Machine.boot()).isUp
        if isUp, try container(id).record.sharesRoot { try protectProgram() }
        try whileItStays(id, runs: isUp, "change the mounts of \(id.short)") { () throws(EngineError) in
            var container = try container(id)
            try container.lock()
            defer { container.unlock() }
            try container.refresh()
            try body(&container, isUp)
            container.tell("update")
        }
    }
}

extension Container {
    fileprivate func mount(_ mount: Spec.Mount, _ process: borrowing ProcessHandle) throws(EngineError) -> UInt64 {
        do throws(LaunchError) { return try LiveMount.add(mount, to: process, process.number) } catch { throw .launch(error, limit: nil) }
    }

    /// Writes a mount down for every start to come.
    fileprivate mutating func keep(_ resolved: Volumes.Resolved) throws(EngineError) {
        var spec = try spec()
        spec.mounts = (spec.mounts ?? []) + [resolved.mount]
        var point = resolved.point
        point.live = point.live ?? .init(mount: 0, startTime: 0, isKept: true)
        record.mounts = (record.mounts ?? []) + [point]
        try write(spec)
        try save()
    }

    fileprivate func forget(_ destination: String) throws(EngineError) {
        var spec = try spec()
        spec.mounts?.removeAll { $0.destination == destination && $0.type == "bind" }
        try write(spec)
    }
}

extension ProcessHandle {
    /// −1, which is nobody's, for one that has ended.
    fileprivate var number: Int32 { (try? pid()) ?? -1 }
}
