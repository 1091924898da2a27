// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Images
package import Linux

/// How `cp` copies.
package struct CopyRequest: Sendable {
    /// Owners as they are, by number; else they are whoever copies, and in a container its root.
    package var keepsOwners = false
    /// A source that is a link stands for what it points to.
    package var followsLink = false

    package init() {}
}

/// Copies between this machine and containers. On the container's side a process of ours works as root of the container, so what it sees is
/// what the container sees, and it can do no more than the container could; the other side gets a tar from it, or sends it one.
extension Home {
    /// Copies from a container to a path of this machine.
    package func copy(
        from word: String, _ source: String, to target: String, _ request: CopyRequest, meter: ByteMeter? = nil
    ) throws(EngineError) {
        let path = CopyPath(source)
        let place = try CopyPath(target, from: workingDirectory())
        var style = TreeExtractor.Style()
        style.keepsOwners = request.keepsOwners
        style.keepsPrivileges = request.keepsOwners
        try read(word, path, request) { (stream: borrowing FileDescriptor) throws(ImageError) in
            try place.extract(stream, contents: path.isContents, in: Self.hostRoot(), style, meter: meter)
        }
    }

    /// Writes a tar of a path in a container.
    package func copy(
        from word: String, _ source: String, to target: borrowing FileDescriptor, _ request: CopyRequest, meter: ByteMeter? = nil
    ) throws(EngineError) {
        let raw = target.raw
        try read(word, CopyPath(source), request) { (stream: borrowing FileDescriptor) throws(ImageError) in
            do throws(SystemError) {
                while true {
                    let bytes = try stream.read(atMost: 1 << 18)
                    if bytes.isEmpty { return }
                    try FileDescriptor.write(bytes, to: raw)
                    meter?.pass(bytes.count)
                }
            } catch { throw .system(error) }
        }
    }

    /// Copies a path of this machine into a container.
    package func copy(
        _ source: String, to word: String, _ target: String, _ request: CopyRequest, meter: ByteMeter? = nil
    ) throws(EngineError) {
        let path = try CopyPath(source, from: workingDirectory())
        let tree: TreeTar
        do throws(ImageError) { tree = try path.tar(in: Self.hostRoot(), followsLink: request.followsLink) } catch { throw .image(error) }
        tree.meter = meter
        try write(word, CopyPath(target), request, contents: path.isContents) { (stream: borrowing FileDescriptor) throws(ImageError) in
            try tree.write(to: stream)
        }
    }

    /// Extracts a tar, compressed or not, into a directory of a container.
    package func copy(
        _ archive: borrowing FileDescriptor, to word: String, _ target: String, _ request: CopyRequest, meter: ByteMeter? = nil
    ) throws(EngineError) {
        let raw = archive.raw
        let path = CopyPath(target.hasSuffix("/") ? target : target + "/")
        try write(word, path, request, contents: true) { (stream: borrowing FileDescriptor) throws(ImageError) in
            let copy: FileDescriptor
            do throws(SystemError) { copy = try FileDescriptor(duplicating: raw) } catch { throw .system(error) }
            try decompress(copy, to: stream, meter: meter)
        }
    }

    private func workingDirectory() throws(EngineError) -> String {
        do throws(SystemError) { return try Machine.workingDirectory() } catch { throw .system(doing: "find the working directory", error) }
    }

    private static func hostRoot() throws(ImageError) -> FileDescriptor {
        do throws(SystemError) { return try FileDescriptor(opening: "/", [.path, .directory]) } catch { throw .system(error) }
    }

    /// Reads a tar of a path in a container.
    private func read(
        _ word: String, _ path: CopyPath, _ request: CopyRequest, _ body: (borrowing FileDescriptor) throws(ImageError) -> Void
    ) throws(EngineError) {
        let followsLink = request.followsLink
        let record = try withCompanion(of: word) { (companion: borrowing Companion) throws(EngineError) in
            let ends = try Self.pipe()
            let insider = try companion.start { (root: consuming FileDescriptor) throws(ImageError) in
                // Else it would wait for itself to read, should our side have to give up.
                close(ends.reader)
                let stream = FileDescriptor(owning: ends.writer)
                let tree = try path.tar(in: root, followsLink: followsLink)
                // Whoever reads no more knows better why.
                do throws(ImageError) { try tree.write(to: stream) } catch .system(let error) where error.errno == EPIPE {}
            }
            close(ends.writer)
            try Self.finish(insider, FileDescriptor(owning: ends.reader), body)
        }
        tell("archive-path", record)
    }

    /// Sends a tar to a path in a container.
    private func write(
        _ word: String, _ path: CopyPath, _ request: CopyRequest, contents: Bool,
        _ body: (borrowing FileDescriptor) throws(ImageError) -> Void
    ) throws(EngineError) {
        var style = TreeExtractor.Style()
        style.keepsOwners = request.keepsOwners
        style.keepsPrivileges = true
        // Our process in there may end early; then it says why.
        signal(SIGPIPE, SIG_IGN)
        let record = try withCompanion(of: word) { (companion: borrowing Companion) throws(EngineError) in
            let ends = try Self.pipe()
            let insider = try companion.start { (root: consuming FileDescriptor) throws(ImageError) in
                close(ends.writer)
                let stream = FileDescriptor(owning: ends.reader)
                try path.extract(stream, contents: contents, in: root, style)
            }
            close(ends.reader)
            try Self.finish(insider, FileDescriptor(owning: ends.writer), body)
        }
        tell("extract-to-dir", record)
    }

    /// Does our side's part, and then listens to the other: what went wrong there is the reason for what went wrong here.
    private static func finish(
        _ insider: consuming Insider, _ stream: consuming FileDescriptor, _ body: (borrowing FileDescriptor) throws(ImageError) -> Void
    ) throws(EngineError) {
        var failure: ImageError?
        do throws(ImageError) { try body(stream) } catch { failure = error }
        close(stream.release())
        if let complaint = try insider.complaint() { throw .refused("in the container: \(complaint)") }
        if let failure { throw .image(failure) }
    }

    private static func pipe() throws(EngineError) -> (reader: CInt, writer: CInt) {
        do throws(SystemError) { return try FileDescriptor.pipe().release() } catch { throw .system(doing: "make a pipe", error) }
    }
}
