// SPDX-License-Identifier: Apache-2.0

/// Where a container's cgroup lies, as `linux.cgroupsPath` of the OCI runtime spec says.
/// An absolute path starts at the root of each hierarchy, a relative one below the cgroup of the caller.
package struct CgroupPath: Equatable, Sendable {
    /// Without doubled, leading-`.` or trailing slashes: `/minictl/4f…` or `sub/4f…`.
    package let text: String

    package enum Invalid: Error, Equatable {
        /// Empty, or nothing but slashes.
        case empty
        /// A component that is `..`, longer than 255 bytes, or holds a control character.
        case component(String)
        /// Not `slice:prefix:name`, or a slice that systemd would refuse.
        case unit(String)
    }

    package var isAbsolute: Bool { text.utf8.first == UInt8(ascii: "/") }

    package init(_ text: String) throws(Invalid) {
        let absolute = text.utf8.first == UInt8(ascii: "/")
        var clean = ""
        for component in text.utf8.split(separator: UInt8(ascii: "/")) where !component.elementsEqual(".".utf8) {
            guard Self.isName(component) else { throw .component(String(Substring(component))) }
            if absolute || !clean.isEmpty { clean += "/" }
            clean += String(Substring(component))
        }
        guard !clean.isEmpty else { throw .empty }
        // The kernel takes 4096 bytes for a path; the mount point and a file name go with it.
        guard clean.utf8.count <= 3072 else { throw .component(String(clean.prefix(32)) + "...") }
        self.text = clean
    }

    /// `slice:prefix:name` as the path systemd's own cgroupfs layout gives it: `/a.slice/a-b.slice/prefix-name.scope`.
    ///
    /// Nothing is asked of systemd: the scope is a plain directory that systemd does not know, so it may take controllers away from
    /// it on `daemon-reload`. A driver that calls `StartTransientUnit` belongs beside this initialiser.
    package init(systemd text: String, rootless: Bool = false) throws(Invalid) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].isEmpty else { throw .unit(text) }
        let slice = parts[0].isEmpty ? (rootless ? "user.slice" : "system.slice") : parts[0]
        let unit: String
        if parts[2].hasSuffix(".slice") {
            unit = String(parts[2])
        } else {
            unit = (parts[1].isEmpty ? "" : parts[1] + "-") + parts[2] + ".scope"
        }
        guard !unit.utf8.contains(UInt8(ascii: "/")) else { throw .unit(text) }
        try self.init(Self.expand(slice, in: text) + "/" + unit)
    }

    /// `a-b.slice` lies in `a.slice`, and `-.slice` is the root.
    private static func expand(_ slice: Substring, in text: String) throws(Invalid) -> String {
        guard slice.hasSuffix(".slice") else { throw .unit(text) }
        let name = slice.dropLast(6)
        if name == "-" { return "" }
        var path = ""
        var prefix = ""
        for part in name.split(separator: "-", omittingEmptySubsequences: false) {
            guard !part.isEmpty, !part.utf8.contains(UInt8(ascii: "/")) else { throw .unit(text) }
            prefix += prefix.isEmpty ? part : "-" + part
            path += "/" + prefix + ".slice"
        }
        guard !path.isEmpty else { throw .unit(text) }
        return path
    }

    private static func isName(_ component: Substring.UTF8View) -> Bool {
        component.count <= 255 && !component.elementsEqual("..".utf8) && !component.contains { $0 < 0x20 || $0 == 0x7f }
    }
}

extension CgroupPath.Invalid: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "the cgroup path is empty"
        case .component(let name): "the cgroup path has a component that cannot be used: \(name.debugDescription)"
        case .unit(let text): "\(text.debugDescription) is not of the form slice:prefix:name with a slice like system.slice"
        }
    }
}
