// SPDX-License-Identifier: Apache-2.0
package import Linux

/// What can go wrong with images, as far as a caller tells it apart.
package enum ImageError: Error {
    /// Nothing in the store bears that name; `near` are names that look like it.
    case notFound(name: String, near: [String])
    /// An id prefix that several images share.
    case ambiguous(prefix: String, ids: [String])
    /// An image, archive, recipe or name that is broken or hostile; nothing of it was kept.
    case invalid(String, why: String)
    /// A container needs the image.
    case inUse(name: String, by: String)
    case system(SystemError)
}

extension ImageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFound("", _): "an image's name is empty"
        case .notFound(let name, let near) where near.isEmpty:
            "no image \(name): get one with 'minictl import FILE \(name)' or 'minictl image assemble \(name)'"
        case .notFound(let name, let near):
            "no image \(name), did you mean \(near.joined(separator: " or "))? "
                + "Get one with 'minictl import FILE \(name)' or 'minictl image assemble \(name)'"
        case .ambiguous(let prefix, let ids):
            "image id \(prefix) is not unique: it may be \(ids.joined(separator: " or "))"
        case .invalid(let what, let why): "\(what): \(why)"
        case .inUse(let name, let by): "image \(name) is used by container \(by): remove the container first or use --force"
        case .system(let error): error.description
        }
    }
}

/// Runs something of module `Linux` where images are concerned.
func attempt<Result: ~Copyable>(_ body: () throws(SystemError) -> Result) throws(ImageError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw .system(error)
    }
}
