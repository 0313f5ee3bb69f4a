//! The libjpeg-turbo encoder behind image-export's trait
