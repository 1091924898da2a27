// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import JSON
import Linux
import OCI

/// A container just made, and the watch over it.
package struct Creation: ~Copyable {
    package var container: Container
    package var watch: Watch
    /// Ready to be carried out, so that starting it now need not read it again.
    let spec: Spec

    init(container: consuming Container, watch: consuming Watch, spec: Spec) {
        container.isWatched = true
        self.container = container
        self.watch = watch
        self.spec = spec
    }

    /// Writes it down, for a container that is to be started later. One that starts now is written down meanwhile.
    package consuming func keep(in home: borrowing Home) throws(EngineError) {
        do throws(EngineError) {
            container.tellKept()
            try container.makeFiles()
            try container.write(spec)
            try container.save()
        } catch {
            if (try? home.remove(files: container.id, record: container.record)) != nil { try? watch.end(in: home) }
            throw error
        }
        try watch.end(in: home)
    }
}

extension Home {
    /// Makes a container that is to be started later.
    package func createOnly(_ request: Request, progress: (String) -> Void) throws(EngineError) -> ContainerID {
        let creation = try create(request, besides: sweep(), starts: false, progress: progress)
        let id = creation.container.id
        try creation.keep(in: self)
        return id
    }

    /// Makes a container, ready to start. A failure leaves nothing.
    /// - Parameters:
    ///   - orphans: id ranges of containers that run unwatched, as `sweep` gives them.
    ///   - starts: whether it is to be started at once.
    package func create(
        _ request: Request, besides orphans: Set<UInt32> = [], starts: Bool = true, progress: (String) -> Void
    ) throws(EngineError) -> Creation {
        var hold: ImageStore.Hold?
        let source = try RootSource(request.source, for: request.platform, in: self, &hold, progress: progress)
        let id: ContainerID
        do throws(SystemError) { id = try ContainerID() } catch { throw .system(doing: "make an id", error) }
        guard var watch = try Watch(id, in: self) else { throw .refused("the new container's id is in use") }
        do throws(EngineError) {
            watch.range = try request.needsRange ? UserRanges.configured().claim(for: id, besides: orphans, in: self) : nil
            var made = try Making(
                id: id, request: request, source: source, directory: directory(for: id), range: watch.slot
            ).make(in: self, progress)
            if starts { try watch.reservePorts(for: &made.container.record, in: self) }
            made.container.keep("create")
            made.container.hold = hold.take()
            return Creation(container: made.container, watch: watch, spec: made.spec)
        } catch {
            // What cannot be put away now, the next command's sweep finds by the watch.
            if (try? remove(unmade: id)) != nil { try? watch.end(in: self) }
            throw error
        }
    }

    private func directory(for id: ContainerID) throws(EngineError) -> FileDescriptor {
        do throws(SystemError) {
            try check("mkdir", id.text) { mkdirat(containers.raw, id.text, 0o700) }
            return try FileDescriptor(opening: id.text, at: containers.place, [.readOnly, .directory, .noFollow])
        } catch {
            throw .system(doing: "make the container's directory", error)
        }
    }
}

extension Request {
    /// Whether it is to have ids of its own: not the host's, not given ones, and not those of a container whose namespace it joins.
    var needsRange: Bool {
        switch users {
        case .automatic, .keepID: true
        case .host, .maps: false
        }
    }
}

extension Watch {
    var slot: UserRanges.Slot? {
        switch range {
        case .some(let claim): claim.slot
        case .none: nil
        }
    }
}

extension Request.NamespaceChoice {
    var word: String {
        switch self {
        case .own: "none"
        case .host: "host"
        case .container(let name): "container:\(name)"
        }
    }
}

extension Spec {
    /// The filter of a container that asks for none.
    var defaultFilter: Spec.Seccomp { DefaultSeccomp(capabilities: process?.capabilities?.bounding ?? []).profile }
}

extension Container {
    func write(_ spec: Spec) throws(EngineError) {
        var spec = spec
        if record.filterKey != nil, spec.linux?.seccomp == nil {
            let filter = spec.defaultFilter
            spec.linux?.seccomp = filter
        }
        let bytes: [UInt8]
        do throws(JSONError) { bytes = try JSONEncoder(pretty: false).encode(spec) } catch {
            throw .refused("the spec cannot be written: \(error)")
        }
        do throws(SystemError) { try replace("config.json", with: bytes) } catch {
            throw .system(doing: "write the container's config.json", error)
        }
    }
}
