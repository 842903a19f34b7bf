//! The services of the example `nova`, with their ports.

pub(crate) const SERVICES: [(&str, u16); 11] = [
    ("user-service", 8080),
    ("content-service", 8081),
    ("feed-service", 8082),
    ("auth-service", 8083),
    ("media-service", 8084),
    ("messaging-service", 8085),
    ("search-service", 8086),
    ("streaming-service", 8087),
    ("notification-service", 8088),
    ("cdn-service", 8089),
    ("events-service", 8091),
];
