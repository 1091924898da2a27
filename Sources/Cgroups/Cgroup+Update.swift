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
                let old = former(setting)
                try apply([setting], as: .needed)
                if let old { before.append(old) }
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
            return (file, setting.proof == .line ? Self.formerLine(now, setting.text) : String(now.prefix { $0 != "\n" }))
        }
        return nil
    }

    /// For a file with a line for each device: that line, or the words that take the new one away.
    static func formerLine(_ now: String, _ text: String) -> String {
        let words = text.split(separator: " ")
        guard let device = words.first else { return text }
        if let line = now.split(separator: "\n").first(where: { $0.split(separator: " ").first == device }) { return String(line) }
        let none = words.dropFirst().map { word in word.firstIndex(of: "=").map { "\(word[..<$0])=max" } ?? "0" }
        return ([String(device)] + none).joined(separator: " ")
    }
}
