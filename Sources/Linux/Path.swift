// SPDX-License-Identifier: Apache-2.0

/// Paths are bytes to the kernel, which cuts them at each `/`. To Swift a `/` with a combining mark behind it is one other character:
/// whoever cuts at characters takes `/a/\u{301}b` for a name, and overlooks a `..` before such a slash.
extension String {
    private static let slash = UInt8(ascii: "/")

    package var isAbsolutePath: Bool { utf8.first == Self.slash }

    /// The same place, said from the root; a relative one without what leads nowhere, as in `./a`.
    package func absolutePath() throws(SystemError) -> String {
        if isAbsolutePath { return self }
        let parts = try Machine.workingDirectory().pathComponents + pathComponents.filter { $0 != "." }
        return "/" + parts.joined(separator: "/")
    }

    /// What lies between its slashes; nothing where there is nothing.
    package var pathComponents: [Substring] { utf8.split(separator: Self.slash).map { Substring($0) } }

    /// The directory its last component lies in and that component, as of `dirname(1)` and `basename(1)`, but empty after a last slash.
    package var folderAndName: (folder: String, name: String) {
        guard let slash = utf8.lastIndex(of: Self.slash) else { return (".", self) }
        return (slash == startIndex ? "/" : String(self[..<slash]), String(self[utf8.index(after: slash)...]))
    }
}

extension [CChar] {
    /// A path that ends with a NUL as a message may show it.
    package var text: String { String(decoding: dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self) }

    /// Of a relative path of any bytes: the directory above and the last component, both with a NUL at the end.
    package var parts: (folder: [CChar], name: [CChar]) {
        guard let slash = lastIndex(of: CChar(UInt8(ascii: "/"))) else { return ([CChar(UInt8(ascii: ".")), 0], self) }
        return (Array(self[..<slash]) + [0], Array(self[(slash + 1)...]))
    }
}
