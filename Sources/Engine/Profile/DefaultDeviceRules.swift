// SPDX-License-Identifier: Apache-2.0
package import OCI
import Runtime

/// The devices cgroup of a container that gets no device of its own: nothing; then what every container has, and the console.
package enum DefaultDeviceRules {
    package static var list: [Spec.Resources.DeviceRule] {
        [.init(allow: false, access: "rwm")] + DefaultDevices.rules
            + [.init(allow: true, type: .character, major: 5, minor: 1, access: "rwm")]
    }
}
