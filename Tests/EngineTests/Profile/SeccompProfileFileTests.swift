// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import JSON
import Linux
import OCI
import Runtime
import Testing

private let kernel = KernelVersion(6, 12)

private func profile(_ rules: String, capabilities: [String] = [], kernel: KernelVersion = kernel) throws -> Spec.Seccomp {
    let text = #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [\#(rules)]}"#
    return try SeccompProfileFile(Array(text.utf8)).profile(capabilities: capabilities, architecture: .x8664, kernel: kernel)
}

private func error(_ text: String) -> String? {
    do throws(JSONError) { _ = try SeccompProfileFile(Array(text.utf8)) } catch { return "\(error)" }
    return nil
}

@Suite struct SeccompProfileFileTests {
    @Test("A rule is taken if all of includes and nothing of excludes holds")
    func conditions() throws {
        func taken(_ condition: String, _ capabilities: [String] = [], _ kernel: KernelVersion = kernel) throws -> Bool {
            let rule = #"{"names": ["bpf"], "action": "SCMP_ACT_ALLOW", \#(condition)}"#
            return try profile(rule, capabilities: capabilities, kernel: kernel).syscalls?.count == 1
        }
        #expect(try taken(#""includes": {}, "excludes": {}"#))
        #expect(try !taken(#""includes": {"caps": ["CAP_BPF"]}"#))
        #expect(try taken(#""includes": {"caps": ["CAP_BPF"]}"#, ["CAP_BPF"]))
        #expect(try !taken(#""includes": {"caps": ["CAP_BPF", "CAP_PERFMON"]}"#, ["CAP_BPF"]))
        #expect(try !taken(#""excludes": {"caps": ["CAP_BPF", "CAP_PERFMON"]}"#, ["CAP_BPF"]))
        #expect(try taken(#""includes": {"arches": ["arm64", "amd64"]}"#))
        #expect(try !taken(#""includes": {"arches": ["s390x"]}"#))
        #expect(try !taken(#""excludes": {"arches": ["amd64"]}"#))
        #expect(try taken(#""includes": {"minKernel": "4.8"}"#))
        #expect(try !taken(#""includes": {"minKernel": "4.8"}"#, [], KernelVersion(4, 4)))
        #expect(try !taken(#""includes": {"minKernel": "6.13"}"#))
    }

    @Test("One name, null arguments and errnos by name are understood")
    func variants() throws {
        let rule = #"{"name": "socket", "action": "SCMP_ACT_ERRNO", "args": null, "comment": "", "errno": "EINVAL"}"#
        #expect(try profile(rule).syscalls == [.init(names: ["socket"], action: .errno, errnoRet: 22, args: [])])
        let both = #"{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95, "errno": "EWHATEVER"}"#
        #expect(try profile(both).syscalls?.first?.errnoRet == 95)
    }

    @Test("What neither docker nor podman defines is an error that names the place")
    func strict() {
        #expect(error(#"{"defaultAction": "SCMP_ACT_ALLOW", "sysCalls": []}"#)?.hasPrefix("sysCalls: ") == true)
        #expect(error(#"{"defaultAction": "SCMP_ACT_MAYBE"}"#)?.hasPrefix("defaultAction: ") == true)
        #expect(error(#"{}"#) != nil)
        #expect(error(#"[]"#) != nil)
        for rule in [
            #"{"names": ["a"], "action": "SCMP_ACT_ALLOW", "exclude": {"caps": ["CAP_BPF"]}}"#,
            #"{"names": ["a"], "name": "b", "action": "SCMP_ACT_ALLOW"}"#, #"{"names": ["a"]}"#,
            #"{"names": ["a"], "action": "SCMP_ACT_ERRNO", "errno": "EWHATEVER"}"#,
            #"{"names": ["a"], "action": "SCMP_ACT_ALLOW", "args": [{"index": -1, "value": 0, "op": "SCMP_CMP_EQ"}]}"#,
            #"{"names": ["a"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}]}"#,
            #"{"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "new"}}"#,
            #"{"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"kernel": "5.1"}}"#, #"7"#,
        ] {
            #expect(error(#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [\#(rule)]}"#)?.hasPrefix("syscalls[0]") == true, "\(rule)")
        }
    }

    @Test("archMap gives the machine's architectures; not together with a list")
    func architectures() throws {
        let map = #""archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}]"#
        let file = try SeccompProfileFile(Array(#"{"defaultAction": "SCMP_ACT_ALLOW", \#(map)}"#.utf8))
        #expect(file.profile(capabilities: [], architecture: .x8664, kernel: kernel).architectures == [.x8664, .x86])
        #expect(file.profile(capabilities: [], architecture: .aarch64, kernel: kernel).architectures == nil)
        #expect(error(#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], \#(map)}"#) != nil)
    }

    @Test("A FIFO, a device, a directory or nothing is not read")
    func places() {
        for path in ["/dev/zero", "/tmp", "/no/such/file"] {
            #expect(throws: SeccompProfileError.self) { try SeccompProfileFile(path: path) }
        }
        let fifo = "/tmp/minictl-seccomp-fifo-\(getpid())"
        #expect(mkfifo(fifo, 0o600) == 0)
        defer { unlink(fifo) }
        #expect(throws: SeccompProfileError.self) { try SeccompProfileFile(path: fifo) }
    }

    @Test(
        "Debian's own profile for podman works",
        .enabled(if: access("/usr/share/containers/seccomp.json", R_OK) == 0, "golang-github-containers-common is not installed"))
    func debian() throws {
        let file = try SeccompProfileFile(path: "/usr/share/containers/seccomp.json")
        let names = DefaultCapabilities.names
        let program = try SeccompFilter(compiling: file.profile(capabilities: names, architecture: .x8664, kernel: kernel)).program
        func decide(_ number: UInt32, _ arguments: UInt64...) -> SeccompAction? {
            program.decision(Call(number: number, arguments: arguments))
        }
        #expect(decide(39) == .allow)
        #expect(decide(246) == .errno(1))
        #expect(decide(425) == .errno(38))
        #expect(decide(41, 16, 0, 9) == .allow)
        let dropped = try SeccompFilter(compiling: file.profile(capabilities: [], architecture: .x8664, kernel: kernel)).program
        #expect(dropped.decision(Call(number: 41, arguments: [16, 3, 9])) == .errno(22))
        #expect(dropped.decision(Call(number: 41, arguments: [16, 3, 0])) == .allow)
        #expect(dropped.decision(Call(number: 161)) == .errno(1))
    }

    @Test("Kernel versions compare by number")
    func versions() {
        #expect(KernelVersion("6.12.9-amd64") == KernelVersion(6, 12))
        #expect(KernelVersion(6, 2) < KernelVersion(6, 12))
        #expect(KernelVersion("5") == nil)
        #expect(KernelVersion("99999999999999999999.1") == nil)
        #expect(KernelVersion.running > KernelVersion(3, 0))
    }
}
