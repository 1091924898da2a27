// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import Linux

/// `--cidfile`: a new file, never one that is there already nor what a link points to.
/// Gone again if there was no id to write.
final class IDFile {
    private let file: FileDescriptor
    private let path: String
    private var isWritten = false

    init(_ path: String) throws(EngineError) {
        self.path = path
        do throws(SystemError) {
            file = try FileDescriptor(opening: path, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o644)
        } catch {
            if error.errno == EEXIST { throw .refused("the container id file \(path) exists already; remove it or choose another") }
            throw .system(doing: "make the container id file", error)
        }
    }

    func write(_ id: ContainerID) throws(EngineError) {
        isWritten = true
        do throws(SystemError) { try file.write(id.text) } catch { throw .system(doing: "write the container id file \(path)", error) }
    }

    deinit {
        if !isWritten { unlink(path) }
    }
}
