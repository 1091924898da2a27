// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
package import OCI

extension Cgroup {
    /// Changes limits, all of them or none: what was written before one is refused is written back as it was.
    package func update(_ resources: Spec.Resources) throws(CgroupError) {
        let settings = try settings(of: resources)
        var before: [(file: String, text: String)] = []
        do throws(CgroupError) {
            for setting in settings {
                // One that the kernel takes and keeps otherwise has been written all the same.
                if let old = former(setting) { before.append(old) }
                try apply([setting], as: .needed)
            }
        } catch {
            // Backwards, so that of two limits that bound each other the one that makes room goes first again.
            for old in before.reversed() { try? File.writeKernel(old.file, old.text) }
            throw error
        }
    }

    /// What has to be written to have a limit as it is now.
    private func former(_ setting: Setting) -> (file: String, text: String)? {
        guard let directory = paths.place(of: setting.controller)?.directory else { return nil }
        for name in [setting.file, setting.fallback?.file].compactMap({ $0 }) {
            let file = directory + "/" + name
            guard let now = try? File.readKernel(file) else { continue }
            return (file, Self.former(now, setting))
        }
        return nil
    }

    /// The text for a file that is to read `now` again. Where it has a line for each device: that line, or the words that take the new one
    /// away.
    static func former(_ now: String, _ setting: Setting) -> String {
        let words = setting.text.split(separator: " ")
        guard let device = words.first, setting.proof == .line || device.utf8.contains(UInt8(ascii: ":")) else {
            let line = now.prefix { $0 != "\n" }
            // It reads `oom_kill_disable 0`, and takes the number alone.
            return String(setting.file == "memory.oom_control" ? line.drop { $0 != " " }.dropFirst() : line)
        }
        if let line = now.split(separator: "\n").first(where: { $0.split(separator: " ").first == device }) { return String(line) }
        let none = words.dropFirst().map { word in word.firstIndex(of: "=").map { "\(word[..<$0])=max" } ?? "0" }
        return ([String(device)] + none).joined(separator: " ")
    }
}
