// SPDX-License-Identifier: Apache-2.0
package import Images
import Linux
package import OCI

/// How a container becomes an image.
package struct CommitRequest: Sendable {
    package var reference: Reference?
    package var author: String?
    package var comment = ""
    /// Whether a running container stands still meanwhile, so that its files fit each other.
    package var pauses = true

    package init() {}
}

extension Home {
    /// Makes an image of a container's own layer over the image it runs on.
    /// - Parameter change: told how containers of the new image run, to change it.
    package func commit(
        _ word: String, _ request: CommitRequest, meter: ByteMeter? = nil,
        change: (ImageConfig.Config) throws(EngineError) -> ImageConfig.Config?
    ) throws(EngineError) -> Digest {
        var container = try container(named: word)
        guard let imageID = container.record.imageID else {
            throw .refused("cannot commit \(container.name): it runs in the directory \(container.record.image), not on an image")
        }
        let spec = try container.spec()
        let isRunning = try container.status(in: Machine.boot()) == .running
        let id: Digest
        if request.pauses, isRunning {
            let standstill = try Standstill.begin(&container)
            do throws(EngineError) { id = try commit(container, spec, imageID, request, meter, change) } catch {
                // That it could not be made into an image is what matters more.
                try? standstill.over(&container)
                throw error
            }
            try standstill.over(&container)
        } else {
            id = try commit(container, spec, imageID, request, meter, change)
        }
        container.tell("commit", ["comment": request.comment, "imageID": "\(id)", "imageRef": request.reference?.familiar ?? ""])
        return id
    }

    private func commit(
        _ container: borrowing Container, _ spec: Spec, _ imageID: String, _ request: CommitRequest, _ meter: ByteMeter?,
        _ change: (ImageConfig.Config) throws(EngineError) -> ImageConfig.Config?
    ) throws(EngineError) -> Digest {
        let image: Image
        do throws(EngineError) { image = try withImages { (store) throws(ImageError) -> Image in try store.image(named: imageID) } } catch {
            guard error.isAbsence else { throw error }
            throw .refused("cannot commit \(container.name): the image it runs on was removed, \(imageID)")
        }
        return try image.commit(container, spec, request, meter, change, in: self)
    }
}

extension Image {
    fileprivate func commit(
        _ container: borrowing Container, _ spec: Spec, _ request: CommitRequest, _ meter: ByteMeter?,
        _ change: (ImageConfig.Config) throws(EngineError) -> ImageConfig.Config?, in home: borrowing Home
    ) throws(EngineError) -> Digest {
        let config = try change(container.imageConfig(spec, over: self.config.config ?? ImageConfig.Config()))
        let upper: FileDescriptor
        // It may go on meanwhile, and put a device where a file was.
        do throws(SystemError) { upper = try container.openUpper().withoutDevices() } catch {
            throw .system(doing: "read what \(container.name) wrote", error)
        }
        var style = TreeTar.Style()
        style.isLayer = true
        do throws(ImageError) {
            let tree = try TreeTar(of: upper, style)
            tree.meter = meter
            let store = try ImageStore(root: home.path)
            return try store.commit(
                tree, over: self, as: request.reference, config: config, author: request.author, comment: request.comment
            ).id
        } catch { throw .image(error) }
    }
}

extension Container {
    /// How containers of an image made of this one run: as this one does.
    fileprivate func imageConfig(_ spec: Spec, over image: ImageConfig.Config) -> ImageConfig.Config {
        var config = image
        let words = record.entrypoint ?? 0
        config.entrypoint = words == 0 ? nil : Array(record.command.prefix(words))
        config.cmd = Array(record.command.dropFirst(words))
        // What every container gets for itself is not the image's.
        let own = ["HOSTNAME=", "HOME=", "TERM="]
        config.env = (spec.process?.env ?? []).filter { entry in !own.contains { entry.hasPrefix($0) } }
        config.workingDir = spec.process?.cwd
        config.labels = (record.labels ?? [:]).filter { $0.key != "minictl.recipe" }
        config.stopSignal = record.stopSignal
        return config
    }
}
