// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// What the directory of a new container gets besides its record: the writable layer, and files that are bound over the image's.
/// Nothing of it is needed before the mounts, so one that starts at once gets it while its first process makes its namespaces.
struct NewFiles {
    struct Folder {
        let name: String
        let mode: mode_t
    }

    struct File {
        let name: String
        let text: String
    }

    var folders: [Folder] = []
    var files: [File] = []

    func make(in directory: borrowing FileDescriptor) throws(EngineError) {
        do throws(SystemError) {
            for folder in folders { try Directory.make(folder.name, at: directory.place, mode: folder.mode, exactly: true) }
        } catch {
            throw .system(doing: "make the container's writable layer", error)
        }
        for file in files {
            do throws(SystemError) {
                let flags: OpenFlags = [.writeOnly, .create, .truncate, .noFollow]
                let new = try FileDescriptor(opening: file.name, at: directory.place, flags, mode: 0o644)
                try new.write(file.text)
                try new.setPermissions(0o644)
            } catch {
                throw .system(doing: "write the container's /etc/\(file.name)", error)
            }
        }
    }
}

extension Container {
    /// Makes what a new container has not got yet; once.
    mutating func makeFiles() throws(EngineError) {
        guard let files = unmade else { return }
        try files.make(in: directory)
        unmade = nil
    }
}
