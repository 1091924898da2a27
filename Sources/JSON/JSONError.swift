// SPDX-License-Identifier: Apache-2.0

/// Why a text is not JSON, or not the JSON that was asked for.
package enum JSONError: Error, Equatable, CustomStringConvertible {
    /// Not JSON by RFC 8259; line and column count from 1, the column in bytes.
    case malformed(line: Int, column: Int, reason: String)
    /// More bytes, levels or values than `JSONLimits` allows.
    case overLimit(String)
    /// A member that must be there is not.
    case missing(path: String)
    /// A value of the wrong kind or outside its range.
    case mismatch(path: String, reason: String)
    /// A Swift value that JSON cannot say.
    case unencodable(path: String, reason: String)

    package var description: String {
        switch self {
        case .malformed(let line, let column, let reason): "line \(line), column \(column): \(reason)"
        case .overLimit(let what): what
        case .missing(let path): "\(path): missing"
        case .mismatch(let path, let reason), .unencodable(let path, let reason): path.isEmpty ? reason : "\(path): \(reason)"
        }
    }
}

/// What a hostile text may cost: the numbers of hardening practice for image manifests and bundle files.
package struct JSONLimits: Sendable {
    package var bytes: Int
    package var depth: Int
    /// Values and member names together.
    package var nodes: Int

    package init(bytes: Int = 4 << 20, depth: Int = 64, nodes: Int = 1 << 18) {
        // Offsets on the tape are 32 bits wide.
        self.bytes = min(bytes, 1 << 30)
        self.depth = depth
        self.nodes = min(nodes, 1 << 30)
    }
}

/// One step from the root of a document.
enum JSONKey: Equatable {
    case name(String)
    case index(Int)

    /// `process.rlimits[0].type`; a name that is not a plain word is quoted, shortened and stripped of what a terminal might obey.
    static func path(_ keys: [JSONKey]) -> String {
        var path = ""
        for key in keys {
            switch key {
            case .index(let index): path += "[\(index)]"
            case .name(let name) where isWord(name): path += path.isEmpty ? name : "." + name
            case .name(let name): path += "[\(quoted(name))]"
            }
        }
        return path
    }

    private static func isWord(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

/// Text from a document as it may stand in an error sentence: quoted, printable ASCII, at most 64 characters.
package func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars.prefix(64) {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case " "..."~": result.unicodeScalars.append(scalar)
        default: result += "\\u{" + String(scalar.value, radix: 16) + "}"
        }
    }
    return result + (text.unicodeScalars.count > 64 ? "...\"" : "\"")
}
