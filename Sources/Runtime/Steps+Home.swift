// SPDX-License-Identifier: Apache-2.0
import Linux

extension Steps {
    /// Finds the `HOME` that the environment lacks in the container's own `/etc/passwd`, as runc does and CRI engines expect.
    static func findHome(_ child: Child) throws(SystemError) {
        let process = child.plan.process
        guard process.findsHome, let root = child.root else { return }
        child.home = home(of: process.user, in: root) ?? "/"
    }

    /// Nil if the file is not there, is no plain file, or does not know the user: it is the container's, and may be anything.
    private static func home(of user: UInt32, in root: RootDirectory) -> String? {
        guard let file = try? root.open("/etc/passwd", [.readOnly, .nonBlocking, .noControllingTerminal]),
            let status = try? file.status(), status.kind == .regular, let bytes = try? file.readAll(limit: 10 << 20)
        else { return nil }
        let number = Array("\(user)".utf8)
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count > 5, fields[2].elementsEqual(number) else { continue }
            guard fields[5].first == UInt8(ascii: "/"), !fields[5].contains(0) else { return nil }
            return String(decoding: fields[5], as: UTF8.self)
        }
        return nil
    }
}

extension Child {
    /// The environment of the program.
    var environment: CStrings {
        let given = plan.process.environment
        guard let home else { return given }
        return CStrings((0..<given.count).compactMap { given.pointer[$0].map { String(cString: $0) } } + ["HOME=\(home)"])
    }
}
