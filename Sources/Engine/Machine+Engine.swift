// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux

// What is asked of the machine, with an error of the engine's.

extension Machine {
    static func boot() throws(EngineError) -> String {
        do throws(SystemError) { return try bootID() } catch { throw .system(doing: "read the boot id", error) }
    }
}

extension Hierarchy {
    static func machine() throws(EngineError) -> Hierarchy {
        do throws(SystemError) { return try current() } catch { throw .system(doing: "find the cgroup hierarchies", error) }
    }
}
