// SPDX-License-Identifier: Apache-2.0
import CLinux
import CMount
import Glibc

/// The option words of a mount, taken apart: those that the OCI runtime spec lists for Linux mounts.
package struct MountOptions: Sendable {
    package var set: MountAttributes = []
    package var clear: MountAttributes = []
    /// For the mount and all below it (`rro`, `rnosuid`, …).
    package var recursiveSet: MountAttributes = []
    package var recursiveClear: MountAttributes = []
    package var bind = Bind.none
    package var propagation: Propagation?
    package var propagatesRecursively = false
    /// Copies what the root has at the target into a new tmpfs (`tmpcopyup`).
    package var copiesUp = false
    package var idMapping = IDMapping.none
    /// What is left is for the file system.
    package var data: [(key: String, value: String?)] = []

    package enum Bind: Sendable { case none, single, recursive }
    package enum IDMapping: Sendable { case none, single, recursive }

    /// Words that change one mount, each with its opposite, as the runtime spec has them.
    private static let attributes: [(sets: StaticString, clears: StaticString, attribute: MountAttributes)] = [
        ("ro", "rw", .readOnly), ("nosuid", "suid", .noSetID), ("nodev", "dev", .noDevices), ("noexec", "exec", .noExec),
        ("nodiratime", "diratime", .noDirectoryAccessTime), ("nosymfollow", "symfollow", .noSymlinks),
    ]

    private static let propagations: [(word: StaticString, propagation: Propagation)] = [
        ("private", .private), ("slave", .slave), ("shared", .shared), ("unbindable", .unbindable),
    ]

    package init(_ words: [String]) {
        for word in words where !word.isEmpty { read(word) }
    }

    private mutating func read(_ word: String) {
        switch word {
        case "defaults", "async", "loud", "silent", "nolazytime", "norelatime", "nostrictatime", "noiversion", "nomand": return
        case "bind": bind = .single
        case "rbind": bind = .recursive
        case "tmpcopyup": copiesUp = true
        case "idmap": idMapping = .single
        case "ridmap": idMapping = .recursive
        default:
            if readPropagation(word) || readAttribute(word) { return }
            if let equals = word.firstIndex(of: "=") {
                data.append((String(word[..<equals]), String(word[word.index(after: equals)...])))
            } else {
                data.append((word, nil))
            }
        }
    }

    private mutating func readPropagation(_ word: String) -> Bool {
        let recursive = word.first == "r"
        let name = recursive ? String(word.dropFirst()) : word
        guard let entry = Self.propagations.first(where: { $0.word.description == name }) else { return false }
        propagation = entry.propagation
        propagatesRecursively = recursive
        return true
    }

    private mutating func readAttribute(_ word: String) -> Bool {
        if let change = Self.change(word) {
            set.formUnion(change.set)
            set.subtract(change.clear.subtracting(change.set))
            clear.formUnion(change.clear)
            return true
        }
        guard word.first == "r", let change = Self.change(String(word.dropFirst())) else { return false }
        recursiveSet.formUnion(change.set)
        recursiveClear.formUnion(change.clear)
        return true
    }

    /// What a word changes.
    private static func change(_ word: String) -> (set: MountAttributes, clear: MountAttributes)? {
        // The access time modes are values of one field, so setting one clears the others.
        switch word {
        case "relatime", "atime", "norelatime", "nostrictatime": return ([], .accessTimeMode)
        case "noatime": return (.noAccessTime, .accessTimeMode)
        case "strictatime": return (.strictAccessTime, .accessTimeMode)
        default: break
        }
        for entry in attributes {
            if word == "\(entry.sets)" { return (entry.attribute, []) }
            if word == "\(entry.clears)" { return ([], entry.attribute) }
        }
        return nil
    }

    /// Whether a word says something to `mount(8)` and its friends only, such as `nofail`, `_netdev` or `x-systemd.automount`.
    package static func isForUserSpace(_ word: String) -> Bool {
        guard var entry = libmnt_get_builtin_optmap(CInt(MNT_USERSPACE_MAP)) else { return false }
        while let name = entry.pointee.name {
            // A name with `=` takes a value and changes what is mounted; one that ends in `-` begins a family.
            let known = String(cString: name)
            if known == word || (known.hasSuffix("-") && word.hasPrefix(known)) { return !known.utf8.contains(UInt8(ascii: "=")) }
            entry += 1
        }
        return false
    }
}
