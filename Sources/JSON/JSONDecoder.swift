// SPDX-License-Identifier: Apache-2.0

/// Makes values from JSON text within limits. Errors name the place: `process.user.uid: expected a whole number …`.
package struct JSONDecoder {
    private let limits: JSONLimits

    package init(limits: JSONLimits = JSONLimits()) {
        self.limits = limits
    }

    package func decode<Value: JSONCoded>(_ type: Value.Type, from bytes: [UInt8]) throws(JSONError) -> Value {
        try Value(json: JSONDocument(bytes, limits: limits).root)
    }

    package func decode<Value: JSONCoded>(_ type: Value.Type, from node: JSONNode) throws(JSONError) -> Value {
        try Value(json: node)
    }
}
