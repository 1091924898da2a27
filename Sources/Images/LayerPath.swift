// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux

/// Where an entry of a layer belongs, relative to the layer's root: its components as the archive's own bytes.
/// A leading `/`, and `.` and empty components mean nothing; `..` is refused, since no honest layer has it.
struct LayerPath: CustomStringConvertible {
    /// The directory above, `.` for the root; and the last component, `.` for the root itself. Both end with a NUL.
    let parent: [CChar]
    let name: [CChar]
    /// True below a directory of aufs's book-keeping.
    let isForeign: Bool

    var isRoot: Bool { name == LayerPath.dot }

    static let dot: [CChar] = [CChar(UInt8(ascii: ".")), 0]
    private static let slash = CChar(UInt8(ascii: "/"))

    /// - Parameter isLayer: whether names that begin with `.wh.` mean something.
    init(_ path: UnsafePointer<CChar>, isLayer: Bool = true, budget: Budget) throws(ImageError) {
        let length = strnlen(path, budget.path + 1)
        guard length <= budget.path else { throw .invalid("layer", why: "a path is longer than \(budget.path) bytes") }
        var parent: [CChar] = []
        var name: [CChar] = []
        var isForeign = false
        for part in UnsafeBufferPointer(start: path, count: length).split(separator: Self.slash) {
            if part.elementsEqual([Self.dot[0]]) { continue }
            guard !part.elementsEqual([Self.dot[0], Self.dot[0]]) else {
                throw .invalid("layer", why: "path \(quoted(String(cString: path))) leads upwards")
            }
            guard part.count <= Int(NAME_MAX) else { throw .invalid("layer", why: "a name is longer than \(NAME_MAX) bytes") }
            if !name.isEmpty {
                switch try isLayer ? Whiteout(name + [0]) : nil {
                case nil: break
                case .foreign: isForeign = true
                default: throw .invalid("layer", why: "path \(quoted(String(cString: path))) leads through a whiteout")
                }
                if !parent.isEmpty { parent.append(Self.slash) }
                parent += name
            }
            name = Array(part)
        }
        self.parent = parent.isEmpty ? Self.dot : parent + [0]
        self.name = name.isEmpty ? Self.dot : name + [0]
        self.isForeign = isForeign
    }

    /// The whole path, ending with a NUL.
    var full: [CChar] { parent == Self.dot ? name : parent.dropLast() + [Self.slash] + name }

    /// For messages.
    var description: String {
        full.text
    }
}

/// What a name that begins with `.wh.` stands for (image-spec, "Whiteouts"; the `.wh..wh.` names are aufs's own).
enum Whiteout {
    /// Nothing of the layers below shows in this directory.
    case opaque
    /// That name of the layers below is hidden.
    case hides([CChar])
    /// Book-keeping of aufs that means nothing to anyone else.
    case foreign

    /// Nil for an ordinary name. Refused where the hidden name is none: it would reach the directory itself or the one above.
    init?(_ name: [CChar]) throws(ImageError) {
        guard Self.marks(name) else { return nil }
        let hidden = Array(name.dropFirst(4))
        let text = hidden.text
        switch text {
        case ".wh..opq": self = .opaque
        case "", ".", "..": throw .invalid("layer", why: "whiteout \(quoted(".wh." + text)) hides no name")
        default: self = Self.marks(hidden) ? .foreign : .hides(hidden)
        }
    }

    static func marks(_ name: some Collection<CChar>) -> Bool {
        name.starts(with: [0x2e, 0x77, 0x68, 0x2e])  // ".wh."
    }
}
