// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

/// The real program, and what all tests of this process share: one folder of images, made once.
enum Program {
    /// `MINICTL_TEST_BINARY`, else what was built beside the test bundle.
    static let path: String =
        Machine.environment("MINICTL_TEST_BINARY")
        ?? Machine.programPath.map { $0[..<($0.lastIndex(of: "/") ?? $0.startIndex)] + "/minictl" } ?? "minictl"

    /// A root whose `images/` holds `base`. Only read by tests.
    static let shared: String? = {
        guard obstacle == nil, let path = try? ScratchDirectory.make("minictl-blackbox") else { return nil }
        atexit { Program.tidyUp() }
        let first = try? Command([Program.path, "--root", path, "run", "--rm", "--network", "none", "base", "true"]).run(seconds: 300)
        if first?.code == 0 { return path }
        print("cannot assemble the base image: \(first?.error ?? "")")
        return nil
    }()

    /// Takes away what all tests share, the images.
    private static func tidyUp() {
        if let shared { try? Directory.removeAll(shared) }
    }

    /// Why the tests that run containers cannot run here.
    static let obstacle: String? = {
        if geteuid() != 0 { return "black-box tests need root" }
        if access(path, X_OK) != 0 { return "black-box tests need \(path)" }
        return nil
    }()

    /// Everything, however long it takes.
    static let isThorough = Machine.environment("MINICTL_TEST_FULL") == "1"

    /// Says once why nothing is tested.
    static let isUsable: Bool = {
        if let obstacle { print("skipped: \(obstacle)") }
        return obstacle == nil
    }()

    static func has(_ tool: String) -> Bool {
        let found = ["/usr/bin/", "/bin/", "/usr/sbin/"].contains { access($0 + tool, X_OK) == 0 }
        if !found { print("skipped: there is no \(tool) on this machine") }
        return found
    }
}

extension Trait where Self == ConditionTrait {
    /// For suites that run containers.
    static var onRealMachine: Self { .enabled(if: Program.isUsable, "needs root and the program") }
}
