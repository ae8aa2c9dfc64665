//! A real API server for these tests: `e2e/control-plane`, started once a test binary and ended with it. Each test works in a namespace of its own.

use chat_api::ChatCluster;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Config, CustomResourceExt, ResourceExt};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::sync::OnceCell;

/// What anything here may take: the machine may be busy with other tests.
pub(crate) const WITHIN: Duration = Duration::from_secs(120);

/// An API server that knows ChatClusters.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    kubeconfig: PathBuf,
    /// It ends with this process.
    _script: Child,
}

impl ControlPlane {
    /// Without controllers: there are the pods that the test makes, and nothing is collected.
    pub(crate) async fn bare() -> &'static Self {
        static BARE: OnceCell<ControlPlane> = OnceCell::const_new();
        BARE.get_or_init(|| Self::start(&[])).await
    }

    /// With the controller manager: Deployments get their pods, autoscalers scale, and what belonged to something goes with it.
    pub(crate) async fn with_controllers() -> &'static Self {
        static WHOLE: OnceCell<ControlPlane> = OnceCell::const_new();
        WHOLE.get_or_init(|| Self::start(&["--controllers"])).await
    }

    /// With the controller manager too, and of this test alone, which changes what concerns all of it.
    pub(crate) async fn alone() -> Self {
        Self::start(&["--controllers"]).await
    }

    /// With the scheduler too, and kwok in the place of the nodes.
    pub(crate) async fn with_nodes() -> &'static Self {
        static NODES: OnceCell<ControlPlane> = OnceCell::const_new();
        NODES.get_or_init(|| Self::start(&["--nodes"])).await
    }

    async fn start(flags: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/control-plane");
        let mut command = Command::new(script);
        command.args(flags).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let plane = tokio::task::spawn_blocking(move || {
            let mut script = command.spawn().expect("e2e/control-plane can be started");
            let mut line = String::new();
            let said = BufReader::new(script.stdout.take().expect("its output")).read_line(&mut line);
            if said.is_err() || line.is_empty() {
                let mut why = String::new();
                let _ = script.stderr.take().expect("its errors").read_to_string(&mut why);
                panic!("no API server: {}", why.trim());
            }
            Self { kubeconfig: line.trim().into(), _script: script }
        });
        let plane = plane.await.expect("an API server");
        plane.define().await;
        plane
    }

    /// The administrator's kubeconfig. Beside it lie the authorities' files, `ca` and `front-ca`.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// How the administrator connects.
    pub(crate) async fn config(&self) -> Config {
        let file = Kubeconfig::read_from(&self.kubeconfig).expect("a kubeconfig");
        Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("a kubeconfig")
    }

    /// The administrator. A client belongs to the runtime, and so to the test, that it was made in.
    pub(crate) async fn client(&self) -> Client {
        Client::try_from(self.config().await).expect("a client")
    }

    /// A new namespace, whose name begins like this.
    pub(crate) async fn namespace(&self, prefix: &str) -> String {
        let namespaces: Api<Namespace> = Api::all(self.client().await);
        let metadata = ObjectMeta { generate_name: Some(format!("{prefix}-")), ..ObjectMeta::default() };
        let wish = Namespace { metadata, ..Namespace::default() };
        namespaces.create(&PostParams::default(), &wish).await.expect("a namespace").name_any()
    }

    async fn define(&self) {
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client().await);
        let (ours, wish) = (PatchParams::apply("tests").force(), ChatCluster::crd());
        let name = wish.name_any();
        definitions.patch(&name, &ours, &Patch::Apply(&wish)).await.expect("a definition that is taken");
        let known = await_condition(definitions, &name, is_crd_established());
        tokio::time::timeout(WITHIN, known).await.expect("in time").expect("an established definition");
    }
}
