//! Starting clients, and shutting everything down.

use crate::client::ClientShared;
use crate::engine::{check_url, Engine, Target};
use crate::error::*;
use crate::gate::in_callback;
use crate::handles::{self, Entry};
use crate::options::ClientOptions;
use crate::relay;
use moqt_net::{ClientCertificate, Runtime};

/// Opens a client on the process-wide I/O thread, or for a memory URL on that of the relay.
pub fn open_client(options: ClientOptions) -> Result<u64> {
    check_url(&options.url)?;
    let certificate = match &options.certificate {
        None => None,
        Some((certificate, key)) => {
            Some(ClientCertificate::new(certificate, key).map_err(|e| {
                Error::new(
                    MOQ_ERROR_CERTIFICATE,
                    format!("\"clientCertificate\" or \"clientKey\" cannot be used: {e}"),
                )
            })?)
        }
    };
    let (runtime, target) = match options.url.starts_with("memory://") {
        true => {
            let (runtime, peer) = relay::by_memory_url(&options.url)?;
            (runtime, Target::Memory(peer))
        }
        false => {
            let runtime = Runtime::shared().map_err(|error| {
                Error::new(
                    MOQ_ERROR_INTERNAL,
                    format!("the I/O thread could not be started: {error}"),
                )
            })?;
            (runtime, Target::Network)
        }
    };
    let handle = handles::allocate();
    let shared = ClientShared::new(handle, &options);
    handles::insert(handle, Entry::Client(shared.clone()));
    let remote = runtime.spawn(Box::new(Engine::new(
        shared.clone(),
        options,
        target,
        certificate,
    )));
    shared.set_remote(remote);
    Ok(handle)
}

/// Refuses what would wait for the thread that it runs on.
pub fn refuse_in_callback(what: &str) -> Result<()> {
    match in_callback() {
        false => Ok(()),
        true => Err(Error::new(
            MOQ_ERROR_BUSY,
            format!(
                "{what} was called inside a callback of the library; call it from another thread"
            ),
        )),
    }
}

pub fn shutdown() -> Result<()> {
    refuse_in_callback("moq_shutdown")?;
    crate::inherited::shutdown();
    for (handle, entry) in handles::all() {
        match entry {
            Entry::Client(client) => {
                client.gate.set(None);
                // One that is closing already ends with the thread.
                let _ = client.close_gracefully(std::time::Duration::ZERO);
            }
            Entry::Relay(_) => {
                // Another thread may have stopped it meanwhile.
                let _ = relay::stop(handle, 0);
            }
            Entry::Publication(_) | Entry::Request(_) => {}
        }
    }
    Runtime::shutdown_shared().map_err(|error| Error::new(MOQ_ERROR_BUSY, error.to_string()))?;
    crate::logging::set(None, 0);
    Ok(())
}
