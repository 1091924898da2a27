// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

extension Hierarchy {
    /// What `/proc/self/mountinfo` and `/proc/self/cgroup` say now: two reads.
    package static func current() throws(SystemError) -> Hierarchy {
        let mounts = try FileDescriptor(opening: "/proc/self/mountinfo").readAll(limit: 64 << 20)
        let own = try FileDescriptor(opening: "/proc/self/cgroup").readAll()
        return Hierarchy(mountinfo: mounts, cgroup: own)
    }

    /// Reads both texts as proc(5) defines them. Every run does this, so it scans bytes and makes strings of cgroup mounts only.
    package init(mountinfo: [UInt8], cgroup: [UInt8]) {
        var table = MountTable()
        mountinfo.withUnsafeBufferPointer { table.read($0) }
        var mounts: [Mount] = []
        mountinfo.withUnsafeBufferPointer { bytes in
            for row in table.cgroups where !table.isCovered(row, in: bytes) {
                guard let mount = Mount(row, table.lines[row.line], in: bytes, cgroup) else { continue }
                // The same hierarchy may be mounted twice; the one that shows our own cgroup serves better.
                if let twin = mounts.firstIndex(where: { $0.version == mount.version && $0.label == mount.label }) {
                    if mounts[twin].ownDirectory == nil, mount.ownDirectory != nil { mounts[twin] = mount }
                } else {
                    mounts.append(mount)
                }
            }
        }
        self.init(mounts: mounts)
    }
}

private typealias Bytes = UnsafeBufferPointer<UInt8>

/// The lines of mountinfo: of all of them what lies on what, of cgroup mounts where the details are.
private struct MountTable {
    struct Line {
        let id: Int
        let parent: Int
        let point: Range<Int>
    }

    struct CgroupRow {
        let line: Int
        let isUnified: Bool
        let root: Range<Int>
        let options: Range<Int>
    }

    var lines: [Line] = []
    var cgroups: [CgroupRow] = []

    /// A line: id, parent, major:minor, root, point, options, optional fields, `-`, type, source, options of the file system.
    mutating func read(_ bytes: Bytes) {
        lines.reserveCapacity(64)
        var cursor = Cursor(bytes)
        while !cursor.atEnd {
            let id = bytes.decimal(cursor.field())
            let parent = bytes.decimal(cursor.field())
            cursor.skipField()
            let root = cursor.field()
            let point = cursor.field()
            lines.append(Line(id: id, parent: parent, point: point))
            while true {
                let field = cursor.field()
                if field.isEmpty || (field.count == 1 && bytes[field.lowerBound] == UInt8(ascii: "-")) { break }
            }
            let type = cursor.field()
            let isUnified = bytes.equal(type, "cgroup2")
            if isUnified || bytes.equal(type, "cgroup") {
                cursor.skipField()
                cgroups.append(CgroupRow(line: lines.count - 1, isUnified: isUnified, root: root, options: cursor.field()))
            }
            cursor.nextLine()
        }
    }

    /// True if another mount lies over this one, or over a directory on the way to it: the path then shows something else.
    func isCovered(_ row: CgroupRow, in bytes: Bytes) -> Bool {
        var line = lines[row.line]
        // Ancestors are fewer than mounts; the bound is for a table that was changed while it was read.
        for _ in lines.indices {
            let covered = lines.contains { other in
                if other.parent == line.id { return other.id != line.id && bytes.equal(other.point, line.point) }
                return other.parent == line.parent && other.id != line.id && bytes.isDirectory(other.point, above: line.point)
            }
            if covered { return true }
            guard let parent = lines.first(where: { $0.id == line.parent }), parent.id != line.id else { return false }
            line = parent
        }
        return false
    }
}

extension Hierarchy.Mount {
    /// Nil if `/proc/self/cgroup` does not know that hierarchy.
    fileprivate init?(_ row: MountTable.CgroupRow, _ line: MountTable.Line, in bytes: Bytes, _ cgroup: [UInt8]) {
        controllers = []
        label = ""
        version = row.isUnified ? .v2 : .v1
        point = bytes.unescaped(line.point)
        root = bytes.unescaped(row.root)
        own = ""
        if !row.isUnified {
            (controllers, label) = bytes.controllers(row.options)
        }
        let (set, text) = (controllers, label)
        let found = cgroup.withUnsafeBufferPointer { bytes in
            Self.own(in: bytes) { names in
                if row.isUnified { return names.isEmpty }
                return set.isEmpty ? bytes.equal(names, text) : bytes.controllers(names).set == set
            }
        }
        guard let found, row.isUnified || !text.isEmpty else { return nil }
        own = found
    }

    /// The path on the line `id:names:path` whose names `matches` accepts; version 2 is the line `0::`.
    private static func own(in bytes: Bytes, where matches: (Range<Int>) -> Bool) -> String? {
        var start = 0
        while start < bytes.count {
            let end = bytes.index(of: "\n", from: start, to: bytes.count)
            let first = bytes.index(of: ":", from: start, to: end)
            let second = bytes.index(of: ":", from: first + 1, to: end)
            if second < end, matches((first + 1)..<second) { return bytes.text((second + 1)..<end) }
            start = end + 1
        }
        return nil
    }
}

/// Walks fields parted by one space, never past the end of the line.
private struct Cursor {
    let bytes: Bytes
    var position = 0

    init(_ bytes: Bytes) { self.bytes = bytes }

    var atEnd: Bool { position >= bytes.count }

    mutating func field() -> Range<Int> {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: " "), bytes[position] != UInt8(ascii: "\n") { position += 1 }
        let end = position
        if position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
        return start..<end
    }

    mutating func skipField() { _ = field() }

    mutating func nextLine() {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
        position += 1
    }
}

/// Plain loops and memcmp(3): what Swift's collections offer costs ten times as much on the first call, which is the only one of a run.
extension UnsafeBufferPointer<UInt8> {
    /// The next such byte before `end`, or `end`.
    fileprivate func index(of byte: Unicode.Scalar, from start: Int, to end: Int) -> Int {
        let byte = UInt8(ascii: byte)
        var index = start
        while index < end, self[index] != byte { index += 1 }
        return Swift.min(index, end)
    }

    fileprivate func text(_ range: Range<Int>) -> String { String(decoding: Self(rebasing: self[range]), as: UTF8.self) }

    fileprivate func equal(_ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount, let base = baseAddress else { return false }
        return memcmp(base + range.lowerBound, word.utf8Start, range.count) == 0
    }

    fileprivate func equal(_ range: Range<Int>, _ text: String) -> Bool { self.text(range) == text }

    fileprivate func equal(_ one: Range<Int>, _ other: Range<Int>) -> Bool {
        guard one.count == other.count, let base = baseAddress else { return false }
        return memcmp(base + one.lowerBound, base + other.lowerBound, one.count) == 0
    }

    /// True if the first path is a proper parent of the second.
    fileprivate func isDirectory(_ one: Range<Int>, above other: Range<Int>) -> Bool {
        if one.count <= 1 { return other.count > 1 }
        return other.count > one.count && self[other.lowerBound + one.count] == UInt8(ascii: "/")
            && equal(one, other.lowerBound..<(other.lowerBound + one.count))
    }

    /// The number in a field; −1 for anything else.
    fileprivate func decimal(_ range: Range<Int>) -> Int {
        if range.isEmpty || range.count > 18 { return -1 }
        var value = 0
        for index in range {
            let byte = self[index]
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return -1 }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }

    /// A path with `\040` and the like turned back.
    fileprivate func unescaped(_ range: Range<Int>) -> String {
        guard index(of: "\\", from: range.lowerBound, to: range.upperBound) < range.upperBound else { return text(range) }
        var plain: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            if self[index] == UInt8(ascii: "\\"), index + 3 < range.upperBound {
                let digits = self[(index + 1)...(index + 3)]
                plain.append(digits.reduce(0) { ($0 << 3) | ($1 & 7) })
                index += 4
            } else {
                plain.append(self[index])
                index += 1
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    /// The controllers and the `name=` in a list parted by commas, and the part of the text that names them.
    fileprivate func controllers(_ range: Range<Int>) -> (set: ControllerSet, label: String) {
        var set = ControllerSet()
        var label = ""
        var start = range.lowerBound
        while start < range.upperBound {
            let end = index(of: ",", from: start, to: range.upperBound)
            let word = start..<end
            start = end + 1
            let controller = controller(word)
            if let controller { set.insert(controller) }
            guard controller != nil || (word.count > 5 && equal(word.lowerBound..<(word.lowerBound + 5), "name=")) else { continue }
            if !label.isEmpty { label += "," }
            label += text(word)
        }
        return (set, label)
    }

    private func controller(_ word: Range<Int>) -> Controller? {
        var number: UInt8 = 0
        while let controller = Controller(rawValue: number) {
            if equal(word, controller.legacyName) { return controller }
            number += 1
        }
        return nil
    }
}
