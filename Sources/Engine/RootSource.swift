// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import Linux
import OCI
import Runtime

/// Where a container's files come from.
struct RootSource {
    /// Directories of the host's, from the bottom up; one that is used as it is with `--rootfs`.
    let layers: [String]
    let isDirectory: Bool
    let config: ImageConfig.Config?
    let imageID: String?
    let diffIDs: [String]?

    init(_ source: Request.Source, in home: borrowing Home, progress: (String) -> Void) throws(EngineError) {
        switch source {
        case .directory(let path):
            do throws(SystemError) {
                let absolute = path.hasPrefix("/") ? path : "\(try Machine.workingDirectory())/\(path)"
                guard try FileStatus(of: absolute, followLinks: true).kind == .directory else {
                    throw SystemError(call: "open", subject: absolute, errno: ENOTDIR)
                }
                self.init(layers: [absolute], isDirectory: true, config: nil, imageID: nil, diffIDs: nil)
            } catch {
                throw .system(doing: "use \(path) as the root file system", error)
            }
        case .image(let name):
            do throws(ImageError) {
                let store = try ImageStore(root: home.path)
                let image = try store.imageOrBase(named: name, progress: progress)
                try store.unpack(image, progress: progress)
                self.init(
                    layers: image.layerPaths, isDirectory: false, config: image.config.config, imageID: image.id.description,
                    diffIDs: image.layers.map(\.hex))
            } catch {
                throw .image(error)
            }
        }
    }

    private init(layers: [String], isDirectory: Bool, config: ImageConfig.Config?, imageID: String?, diffIDs: [String]?) {
        self.layers = layers
        self.isDirectory = isDirectory
        self.config = config
        self.imageID = imageID
        self.diffIDs = diffIDs
    }

    /// The container's root as it will look, opened to be read.
    func view() throws(EngineError) -> FileDescriptor {
        do throws(SystemError) { return try Overlay.view(of: layers) } catch { throw .system(doing: "look into the image", error) }
    }
}
