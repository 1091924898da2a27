// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// What `wait --condition` waits for, in podman's words and docker's.
package enum WaitCondition: Equatable, Sendable {
    /// docker's `not-running`, podman's `stopped`: it has ended for good.
    case over
    /// The next end, also of one that runs not yet, or that is started again by itself.
    case nextExit
    case removed
    case state(String)
    case health(String)

    package static let words = [
        "created", "running", "paused", "restarting", "exited", "stopped", "not-running", "next-exit", "removed", "healthy", "unhealthy",
        "starting",
    ]

    /// Nil for none of `words`.
    package init?(_ word: String) {
        switch word {
        case "exited", "stopped", "not-running": self = .over
        case "next-exit": self = .nextExit
        case "removed": self = .removed
        case "created", "running", "paused", "restarting": self = .state(word)
        case "healthy", "unhealthy", "starting": self = .health(word)
        default: return nil
        }
    }
}

extension Home {
    /// Waits until one of the conditions holds for a container. Gives its exit code where it has ended, else −1.
    package func wait(for conditions: [WaitCondition], _ word: String) throws(EngineError) -> Int32 {
        let id = try find(word)
        var container = try container(id)
        let files: DirectoryWatch
        do throws(SystemError) { files = try DirectoryWatch(container.directory) } catch { throw .system(doing: "wait for \(word)", error) }
        let first = container.record.end?.at
        while true {
            do throws(EngineError) { try container.refresh() } catch {
                // Its directory is gone, or its record, which goes first.
                guard !hasRecord(id) else { throw error }
                if conditions.contains(.removed) || conditions.contains(.over) || conditions.contains(.nextExit) {
                    return container.record.end?.exitCode ?? -1
                }
                throw .notFound(word)
            }
            let status = try container.status(in: Machine.boot())
            for condition in conditions where container.meets(condition, status, since: first) {
                return status.isUp ? -1 : container.record.end?.exitCode ?? container.record.retry?.exitCode ?? -1
            }
            // Whoever was killed together with its monitor may have held the watch a moment longer, so that no command took its place yet.
            if status.isGoingOn, !Watch.isHeld(id, in: self) { try sweep() }
            // What changes without a file's change, such as a freezer or a removal, is seen a little later.
            var entries = [PollEntry(files.descriptor.raw, .readable)]
            do throws(SystemError) { _ = try entries.wait(milliseconds: 100) } catch { throw .system(doing: "wait for \(word)", error) }
            files.drain()
        }
    }
}

extension Container {
    /// - Parameter first: when it had last ended as the waiting began.
    fileprivate func meets(_ condition: WaitCondition, _ status: Status, since first: String?) -> Bool {
        switch condition {
        case .over: !status.isGoingOn && (record.start == nil || record.end != nil)
        case .nextExit: record.end != nil && record.end?.at != first
        case .removed: false
        case .state(let word): status.word == word
        case .health(let word): status == .running && record.health != nil && HealthState.read(in: directory.place)?.status == word
        }
    }
}
