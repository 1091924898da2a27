// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Home {
    var idFindings: [Finding] { [ranges] + [Self.apparmor].compactMap { $0 } }

    /// Where containers get their ids from, and whether somebody else is given the same.
    private var ranges: Finding {
        let ranges: UserRanges
        do throws(EngineError) { ranges = try UserRanges.configured() } catch {
            return Finding(
                "user id ranges", .fails, "\(error)",
                remedy: "echo minictl:1879048192:134217728 | tee -a /etc/subuid /etc/subgid")
        }
        let words = "\(ranges.slots) containers can run at once, with ids from \(ranges.users) on"
        for (path, first) in [("/etc/subuid", ranges.users), ("/etc/subgid", ranges.groups)] {
            guard let name = Self.overlapping(first, ranges.slots, in: path) else { continue }
            return Finding(
                "user id ranges", .limited,
                "\(words); \(name) is given some of them too in \(path), and could enter these containers' files",
                remedy: "take the line of \(name) out of \(path), or give minictl another range there")
        }
        return Finding("user id ranges", .works, words)
    }

    private static func overlapping(_ first: UInt32, _ slots: UInt32, in path: String) -> String? {
        guard let bytes = try? File.read(path, limit: 1 << 20) else { return nil }
        let end = UInt64(first) + UInt64(slots) * UInt64(UserRanges.size)
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, let base = UInt64(fields[1]), let count = UInt64(fields[2]), count > 0, base <= 0xffff_ffff,
                count <= 0xffff_ffff
            else { continue }
            if fields[0] == "minictl" || fields[0] == "containers" { continue }
            if base < end, UInt64(first) < base + count { return String(fields[0]) }
        }
        return nil
    }

    /// Ubuntu lets only programs with a profile make user namespaces; root is spared that.
    private static var apparmor: Finding? {
        guard let text = try? File.readKernel("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"), text.hasPrefix("1") else {
            return nil
        }
        return Finding("AppArmor", .works, "user namespaces are restricted for ordinary users; minictl runs as root, which is spared")
    }
}
