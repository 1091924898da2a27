// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One text for one file of a cgroup.
package struct Setting: Equatable, Sendable {
    package let controller: Controller
    package let version: Hierarchy.Version
    package let file: String
    package let text: String
    /// How to tell from the file that the kernel kept what was written.
    package let proof: Proof
    /// For kernels without `file`: the same limit in another file's words.
    package let fallback: Fallback?
    /// True if a kernel without the file is fine.
    package let isOptional: Bool

    package struct Fallback: Equatable, Sendable {
        package let file: String
        package let text: String
    }

    package enum Proof: Equatable, Sendable {
        case none
        /// The same number; `max`, −1 and version 1's largest number are one.
        case number
        /// A number of bytes, which the kernel rounds down to this unit.
        case bytes(unit: UInt64)
        /// The same words, apart from space.
        case words
        /// A line that begins with our first word and has the others in it.
        case line
        /// The same set of CPUs or memory nodes.
        case list
    }

    package init(
        _ controller: Controller, _ version: Hierarchy.Version, _ file: String, _ text: String, proof: Proof = .number,
        fallback: Fallback? = nil, isOptional: Bool = false
    ) {
        self.controller = controller
        self.version = version
        self.file = file
        self.text = text
        self.proof = proof
        self.fallback = fallback
        self.isOptional = isOptional
    }
}

extension Setting.Proof {
    /// Bytes in pages.
    package static var pages: Setting.Proof { .bytes(unit: UInt64(max(getpagesize(), 1))) }

    /// True if a file that reads `kept` shows that `text` was taken.
    package func accepts(_ kept: String, for text: String) -> Bool {
        switch self {
        case .none: return true
        case .number: return Self.equal(text, kept, unit: 1)
        case .bytes(let unit): return Self.equal(text, kept, unit: unit)
        case .words: return Self.words(kept).elementsEqual(Self.words(text))
        case .list:
            guard let ours = try? IndexList(text), let theirs = try? IndexList(kept) else { return false }
            return ours == theirs
        case .line:
            let ours = Self.words(text)
            return kept.split(separator: "\n").contains { line in
                let line = Self.words(line)
                return line.first == ours.first && ours.allSatisfy(line.contains)
            }
        }
    }

    private static func words(_ text: some StringProtocol) -> [String] {
        text.utf8.split { $0 <= 0x20 }.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func equal(_ text: String, _ kept: String, unit: UInt64) -> Bool {
        let (ours, theirs) = (CgroupFile.number(text), CgroupFile.number(kept))
        guard let ours, let theirs else { return ours == nil && theirs == nil }
        return theirs <= ours && ours - theirs < unit
    }
}
