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

    /// - Parameters:
    ///   - platform: what it is to be for; nil for whatever it is for.
    ///   - hold: keeps the image's layers until somebody can know that the container needs them.
    init(
        _ source: Request.Source, for platform: Platform?, in home: borrowing Home, _ hold: inout ImageStore.Hold?,
        progress: (String) -> Void
    ) throws(EngineError) {
        switch source {
        case .directory(let path):
            if let platform, !platform.accepts(.current) {
                throw .refused("\(path) cannot be used for \(platform): this machine runs \(Platform.current)")
            }
            do throws(SystemError) {
                let absolute = try path.absolutePath()
                guard try FileStatus(of: absolute, followLinks: true).kind == .directory else {
                    throw SystemError(call: "open", subject: absolute, errno: ENOTDIR)
                }
                self.init(layers: [absolute], isDirectory: true, config: nil, imageID: nil, diffIDs: nil)
            } catch {
                throw .system(doing: "use \(path) as the root file system", error)
            }
        case .image(let name):
            let image: Image
            do throws(ImageError) {
                let store = try ImageStore(root: home.path)
                image = try store.imageOrBase(named: name, progress: progress)
                if platform?.accepts(image.platform) ?? true {
                    do throws(ImageError) {
                        try store.unpack(image, progress: progress)
                        hold = try store.hold(image, named: name)
                    } catch {
                        // That it was removed meanwhile says more than what was missed first.
                        _ = try store.image(named: name)
                        throw error
                    }
                }
            } catch {
                throw .image(error)
            }
            if let platform, !platform.accepts(image.platform) {
                let words = "wanted \(platform), actual: \(image.platform)"
                throw .refused("image with reference \(name) was found but does not match the specified platform: \(words)")
            }
            self.init(
                layers: image.layerPaths, isDirectory: false, config: image.config.config, imageID: image.id.description,
                diffIDs: image.layers.map(\.hex))
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
