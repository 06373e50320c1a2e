use crate::{Device, Error};

/// With a driver this finds a device or says what is wrong with it; without one it says what was looked for. It never panics.
#[test]
fn a_missing_driver_is_an_error_with_a_remedy() {
    match Device::discover() {
        Ok(device) => assert!(device.info().memory_bytes > 0),
        Err(error @ Error::NoDriver { .. }) => {
            let text = error.to_string();
            assert!(text.contains("libcuda.so"), "{text}");
            assert!(text.contains("Install NVIDIA's driver"), "{text}");
        }
        Err(error) => println!("{error}"),
    }
}
