// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Finds libraries as the dynamic loader does (`ld.so(8)`), from its files and without running it.
struct LibrarySearch {
    /// Library names and paths of `/etc/ld.so.cache`, in its order.
    private let cache: [(name: String, path: String)]
    private let directories: [String]

    init() throws(SystemError) {
        do throws(SystemError) {
            cache = Self.parse(try File.read("/etc/ld.so.cache", limit: 16 << 20))
        } catch  where error.errno == ENOENT {
            cache = []
        }
        directories = try ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"] + Self.multiarch()
    }

    /// The path of a library that fits its user: by the user's own search path, then the cache, then the usual directories.
    func path(of name: String, for user: ELF, at origin: String) throws(SystemError) -> String? {
        if name.contains("/") { return try fits(name, user.target) ? name : nil }
        for directory in user.searchPaths {
            let candidate = Self.expand(directory, origin: origin, isWide: user.target.isWide) + "/" + name
            if try fits(candidate, user.target) { return candidate }
        }
        for entry in cache where entry.name == name {
            if try fits(entry.path, user.target) { return entry.path }
        }
        for directory in directories {
            if try fits(directory + "/" + name, user.target) { return directory + "/" + name }
        }
        return nil
    }

    private func fits(_ path: String, _ target: ELF.Target) throws(SystemError) -> Bool {
        guard path.isAbsolutePath else { return false }
        do throws(SystemError) {
            let file = try FileDescriptor(opening: path, .nonBlocking)
            guard try file.status().kind == .regular else { return false }
            return try ELF(file)?.target == target
        } catch  where [ENOENT, ENOTDIR, EACCES, ELOOP].contains(error.errno) {
            return false
        }
    }

    private static func expand(_ directory: String, origin: String, isWide: Bool) -> String {
        var result = ""
        var rest = Substring(directory)
        let words = [("$ORIGIN", origin), ("${ORIGIN}", origin), ("$LIB", isWide ? "lib64" : "lib"), ("${LIB}", isWide ? "lib64" : "lib")]
        scan: while let first = rest.first {
            for (word, value) in words where rest.hasPrefix(word) {
                result += value
                rest = rest.dropFirst(word.count)
                continue scan
            }
            result.append(first)
            rest = rest.dropFirst()
        }
        return result
    }

    /// Debian's directories by architecture, `/usr/lib/x86_64-linux-gnu`.
    private static func multiarch() throws(SystemError) -> [String] {
        do throws(SystemError) {
            return try FileDescriptor(opening: "/usr/lib", .directory).entries()
                .filter { $0.kind == .directory && $0.name.split(separator: "-").contains("linux") }
                .flatMap { ["/lib/" + $0.name, "/usr/lib/" + $0.name] }
        } catch  where error.errno == ENOENT {
            return []
        }
    }

    /// The table of `ldconfig(8)`: 48 bytes of header, 24 a row, texts; offsets count from the header's first byte.
    static func parse(_ file: [UInt8]) -> [(name: String, path: String)] {
        let magic = Array("glibc-ld.so.cache1.1".utf8)
        var start = 0
        if !file.starts(with: magic) {
            // Before glibc 2.32 the old table comes first: magic, number of rows, rows of 12 bytes; then the new one, aligned to 8.
            let old = Bytes(file.prefix(16))
            guard file.starts(with: Array("ld.so-1.7.0".utf8)) else { return [] }
            start = (16 + Int(old.long(12)) * 12 + 7) & ~7
            guard start < file.count, file[start...].starts(with: magic) else { return [] }
        }
        let table = Bytes(file[start...])
        let count = min(Int(table.long(20)), (table.count - 48) / 24)
        guard count > 0 else { return [] }
        return (0..<count).compactMap { index in
            let row = 48 + index * 24
            // Rows for newer processors only would not run everywhere the image may go.
            guard table.wide(row + 16) == 0 else { return nil }
            return (table.text(Int(table.long(row + 4))), table.text(Int(table.long(row + 8))))
        }
    }
}
