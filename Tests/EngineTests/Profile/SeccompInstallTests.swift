// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import Linux
import Runtime
import Testing

/// Installs the program of file 1 in itself and writes the errno of some calls into file 2.
private let script = """
    import ctypes, errno, os, socket, struct, subprocess, sys, threading
    code = open(sys.argv[1], 'rb').read()
    libc = ctypes.CDLL(None, use_errno=True)
    text = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(code) // 8, ctypes.addressof(text)))
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, program, 0, 0) == 0
    def call(*args):
        ctypes.set_errno(0)
        libc.syscall(*[ctypes.c_long(arg) for arg in args])
        return errno.errorcode.get(ctypes.get_errno(), 'ok')
    results = [call(272, 0x10000000), call(250, 0, -3, 0), call(425, 1, 0), call(39), call(435, 0, 0), call(9999), call(56, 0x10000000 | 17)]
    for family in (38, 40):
        results.append(call(41, family, 1, 0))
    thread = threading.Thread(target=lambda: results.append('thread'))
    thread.start()
    thread.join()
    results.append(subprocess.run(['/bin/sh', '-c', 'echo shell'], capture_output=True, text=True).stdout.strip())
    socket.socket().close()
    open(sys.argv[2], 'w').write(' '.join(results))
    """

private func spawn(_ arguments: [String]) -> CInt? {
    var copies: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    var child: pid_t = 0
    guard posix_spawnp(&child, arguments[0], nil, nil, &copies, environ) == 0 else { return nil }
    var status: CInt = 0
    while waitpid(child, &status, 0) < 0 { guard errno == EINTR else { return nil } }
    return status
}

@Suite struct SeccompInstallTests {
    @Test(
        "The kernel takes the default filter and does as it says",
        .enabled(if: spawn(["python3", "-c", ""]) == 0, "python3 is not installed"))
    func install() throws {
        let base = "/tmp/minictl-seccomp-install-\(getpid())"
        let (program, results) = ("\(base).bpf", "\(base).txt")
        defer {
            unlink(program)
            unlink(results)
        }
        let profile = DefaultSeccomp(capabilities: DefaultCapabilities.names).profile
        let bytes = try SeccompFilter(compiling: profile).program.bytes
        try FileDescriptor(opening: program, [.writeOnly, .create, .exclusive], mode: 0o600).write(bytes)
        #expect(spawn(["python3", "-c", script, program, results]) == 0)
        let words = try String(decoding: File.read(results), as: UTF8.self)
        #expect(words == "EPERM EPERM EPERM ok ENOSYS ENOSYS EPERM EPERM EPERM thread shell")
    }
}
