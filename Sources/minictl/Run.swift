// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import Linux
import OCI

struct Run: Command {
    static let name: StaticString = "run"
    static let summary: StaticString = "make a container from an image and run a command in it"
    static let operands: Operands = "IMAGE [COMMAND] [ARG...]"
    static let isInterspersed = false
    static let failureStatus: Int32 = 125
    static let examples = [
        Example("minictl run --rm -it base", "a shell in a container of its own, gone when it ends"),
        Example("minictl run -d --name web -v $PWD:/srv base sleep 1000", "a container that stays, with this folder in it"),
        Example("minictl run --rm -m 64m --cpus 0.5 --pids-limit 50 base stress", "with limits"),
        Example("minictl run --rm --rootfs ./debian /bin/sh", "from a directory instead of an image"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .heading("General"),
            .flag("-d, --detach", "run in the background and print the container's id") { $0.isDetached = $1 },
            .text("--cidfile FILE", "write the container's id to a new file") { $0.cidFile = $1.isEmpty ? nil : $1 },
            .text("--detach-keys KEYS", "keys that leave its terminal (default ctrl-p,ctrl-q); empty for none") {
                $0.attach.keys = try DetachKeys(word: $1)
            },
            .flag("--sig-proxy", "pass signals on to it (default true)") { $0.attach.passesSignals = $1 },
            .text("--pull always|missing|never", "whether to fetch the image; there is no fetching yet, so always is an error") {
                try checkPull($1)
            },
        ] + ContainerOptions.options.lifted { try $1(&$0.container) }
    }

    var isDetached = false
    var cidFile: String?
    var attach = AttachOptions()
    var container = ContainerOptions()

    /// Shared by `run` and `create`.
    static func checkPull(_ word: String) throws(UsageError) {
        switch word {
        case "missing", "never": return
        case "always": throw UsageError("images are not fetched from registries yet; bring it with 'skopeo copy' or 'minictl import'")
        default: throw UsageError("'\(word)' is not always, missing or never")
        }
    }

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        var request = try container.request(arguments)
        guard !isDetached || request.attached.isEmpty else {
            throw UsageError("conflicting options: cannot specify both --attach and --detach")
        }
        request.detached = isDetached
        container.tellNotes()
        let home = try globals.home()
        let progress = container.progress
        try home.protectProgram(from: request)
        let cidFile = try self.cidFile.map { path throws(EngineError) in try IDFile(path) }
        if isDetached {
            let id = try home.runDetached(request, progress: progress.show) { id throws(EngineError) in try cidFile?.write(id) }
            try Output.standard.write("\(id)\n")
            return 0
        }
        var attach = attach
        let attached = request.attached
        attach.takesInput = request.interactive && (attached.isEmpty || attached.contains("stdin"))
        attach.showsOutput = attached.isEmpty || attached.contains("stdout")
        attach.showsErrors = attached.isEmpty || attached.contains("stderr")
        guard attach.showsOutput || attach.showsErrors else {
            try home.runFed(request, attach, progress: progress.show) { id throws(EngineError) in
                try cidFile?.write(id)
            } started: {
                try Output.standard.write("\($0)\n")
            }
            return 0
        }
        let outcome = try home.run(request, attach, progress: progress.show) { id throws(EngineError) in try cidFile?.write(id) }
        outcome.explain(request.limits)
        try outcome.report()
        return outcome.exitCode
    }
}

/// Lines about what takes a while, on standard error.
struct Progress {
    var isQuiet = false

    func show(_ line: String) { if !isQuiet { try? Output.error.write("minictl: \(escapeVisible(line))\n") } }
}

extension Outcome {
    /// Says what a bare code does not, where the kernel may have had a limit to keep.
    func explain(_ limits: [Spec.Process.Rlimit]) {
        let (sentence, names): (String, [String])
        switch exitCode - 128 {
        // It has no other answer for a program that is not given the memory to begin with.
        case SIGSEGV: (sentence, names) = ("killed by SIGSEGV, perhaps for want of memory", ["data", "stack", "as"])
        case SIGXCPU,
            SIGKILL where memoryLimit == nil:
            (sentence, names) = ("killed, perhaps for want of processor time", ["cpu"])
        case SIGXFSZ: (sentence, names) = ("killed by SIGXFSZ, for too large a file", ["fsize"])
        default: return
        }
        for limit in limits {
            guard let kind = ResourceLimit.Kind(limit.type), names.contains(kind.name) else { continue }
            try? Output.error.write("\(sentence): --ulimit \(kind.name)=\(limit.soft)\n")
            return
        }
    }

    /// Says what an exit code of 137 cannot. That not all was passed on is an error of ours, with a code that says so: docker's client has
    /// 1 there, which the program may have meant.
    func report() throws {
        if isDetached { try Output.error.write("detached\n") }
        if let memoryLimit {
            let limit = memoryLimit > 0 ? " (limit \(ByteCount(memoryLimit)))" : ""
            try Output.error.write("killed: out of memory\(limit)\n")
        }
        if let loss { throw loss }
    }
}
