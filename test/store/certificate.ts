/**
 * A certificate of our own for 127.0.0.1 and localhost, for tests alone, with its key. Made by
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj "/CN=llmops test" -addext "subjectAltName=IP:127.0.0.1,DNS:localhost"`.
 */
export const certificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkRfroGU6a8xRlvhT
yg1QkWkC4QNvTLldAZxLADkaE7ehRANCAARsP8P6Oe/ctwQMoefHJ9vxckEFGlS/
Ki1vLdhUBSoHrmxFNsSdogAFm0KT/nelSPEwlQctUnQdglGnrhM0DMdg
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBnzCCAUWgAwIBAgIUIj3ddipTGWK54CQbjzrGSw+0BT8wCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLbGxtb3BzIHRlc3QwIBcNMjYxMTI2MTIzMzM0WhgPMjEyNjEx
MDIxMjMzMzRaMBYxFDASBgNVBAMMC2xsbW9wcyB0ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEbD/D+jnv3LcEDKHnxyfb8XJBBRpUvyotby3YVAUqB65sRTbE
naIABZtCk/53pUjxMJUHLVJ0HYJRp64TNAzHYKNvMG0wHQYDVR0OBBYEFHoq+8lA
j5LUdpcCJFGixtx0xvJhMB8GA1UdIwQYMBaAFHoq+8lAj5LUdpcCJFGixtx0xvJh
MA8GA1UdEwEB/wQFMAMBAf8wGgYDVR0RBBMwEYcEfwAAAYIJbG9jYWxob3N0MAoG
CCqGSM49BAMCA0gAMEUCID+EEJe7a0XdHmM4riitJk3Bvd/ws75ikPI1ZEn0rLbh
AiEAwP7rh02Nk6kNhat313ulNrl4CnicMzvYji95sC7CbT4=
-----END CERTIFICATE-----`,
};
