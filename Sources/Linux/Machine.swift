// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Facts about the machine and the process's surroundings.
package enum Machine {
    /// The kernel's random identity of this boot: process numbers and start times mean nothing in another.
    package static func bootID() throws(SystemError) -> String {
        let text = try File.readKernel("/proc/sys/kernel/random/boot_id")
        return String(text.utf8.prefix { $0 != UInt8(ascii: "\n") }) ?? ""
    }

    /// Whether the kernel has IPv6 in new network namespaces too.
    package static var hasIPv6: Bool { access("/proc/sys/net/ipv6/conf", F_OK) == 0 }

    /// Random bytes fit for identities. The corresponding call is `getrandom(2)`.
    package static func randomBytes(_ count: Int) throws(SystemError) -> [UInt8] {
        try [UInt8](filling: count, "getrandom") { linux_getrandom($0.baseAddress, count, 0) }
    }

    /// All of this process's environment, `NAME=VALUE`.
    package static var environment: [String] {
        var all: [String] = []
        var entry = Glibc.environ
        while let text = entry.pointee {
            all.append(String(cString: text))
            entry += 1
        }
        return all
    }

    package static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// The kernel's release as numbers, for example 6 and 18.
    package static let kernel: (major: Int, minor: Int) = {
        let numbers = kernelRelease.split(whereSeparator: { !$0.isNumber }).prefix(2).map { Int($0) ?? 0 }
        return (numbers.first ?? 0, numbers.count > 1 ? numbers[1] : 0)
    }()

    package static func kernel(atLeast major: Int, _ minor: Int) -> Bool {
        kernel.major > major || (kernel.major == major && kernel.minor >= minor)
    }

    /// The hardware's name as `uname(2)` has it, for example `x86_64`.
    package static let hardware = name(.hardware)

    /// The kernel's release as `uname(2)` has it.
    package static var kernelRelease: String { name(.release) }

    /// Whether the kernel has AppArmor, and it is switched on.
    package static var hasAppArmor: Bool { (try? File.readKernel("/sys/module/apparmor/parameters/enabled"))?.hasPrefix("Y") == true }

    /// This machine's name, or the one of the UTS namespace this process is in.
    package static var hostname: String { name(.host) }

    /// Which field of `struct utsname`.
    private enum Name: Int { case host = 1, release = 2, hardware = 4 }

    private static func name(_ field: Name) -> String {
        var names = utsname()
        guard uname(&names) == 0 else { return "" }
        // All of one length.
        let length = MemoryLayout.size(ofValue: names.release)
        return withUnsafeBytes(of: &names) { String(decoding: $0[(field.rawValue * length)...].prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension Machine {
    /// A device number. The corresponding macro is `makedev(3)`.
    package static func device(_ major: UInt32, _ minor: UInt32) -> UInt { UInt(linux_makedev(major, minor)) }

    /// How many processors are at work.
    package static var processors: Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }

    /// Where this host has the node of a device: asked of `/sys/dev`, nil if there is none.
    package static func devicePath(block: Bool, _ major: UInt32, _ minor: UInt32) -> String? {
        guard let text = try? File.readKernel("/sys/dev/\(block ? "block" : "char")/\(major):\(minor)/uevent") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("DEVNAME=") { return "/dev/\(line.dropFirst(8))" }
        return nil
    }

    package static func workingDirectory() throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: 4097)
        try check("getcwd") { linux_getcwd(&buffer, buffer.count) }
        // The kernel gives `(unreachable)/…` for one that lies outside our root.
        guard buffer[0] == CChar(UInt8(ascii: "/")) else {
            throw SystemError(call: "getcwd", subject: "it lies outside of what this process can reach", errno: ENOENT)
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The file this program was started from.
    package static var programPath: String? {
        var buffer = [CChar](repeating: 0, count: 4097)
        guard readlink("/proc/self/exe", &buffer, 4096) > 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The two parts of a device number. The corresponding macros are `major(3)` and `minor(3)`.
    package static func numbers(of device: UInt) -> (major: UInt32, minor: UInt32) {
        (linux_major(dev_t(device)), linux_minor(dev_t(device)))
    }
}
