//! Names of the metrics that services are expected to show.
//!
//! They are those of the client libraries of Prometheus and of the interceptors of gRPC.

/// Requests by `status`, and how long they took.
pub const REQUESTS: &str = "http_requests_total";
pub const DURATION_BUCKETS: &str = "http_request_duration_seconds_bucket";
/// Calls by `grpc_code`, and how long they took.
pub const CALLS: &str = "grpc_server_handled_total";
pub const CALL_DURATION_BUCKETS: &str = "grpc_server_handling_seconds_bucket";
/// Codes that are the server's fault.
pub const FAILED_CODES: [&str; 6] =
    ["Unknown", "DeadlineExceeded", "Unimplemented", "Internal", "Unavailable", "DataLoss"];
