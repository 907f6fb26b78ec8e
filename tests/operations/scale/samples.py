from operations.cost.sampling import Sampling
from operations.cost.scaling import Scaling
from operations.cost.templates import Resource
from operations.cost.traffic import DEFAULT_FAILURE_RATE, Measured
from operations.scale.load import Load
from operations.scale.service import ScaledService
from operations.scale.simulation import Fleet
from operations.scale.variants import fleet_of

SCALING = Scaling(
    service=Resource("stack", "Service", "AWS::ECS::Service", {}),
    minimum=2,
    maximum=6,
    vcpu=0.5,
    serving_vcpu=0.5,
    memory=1,
    requests_per_minute=3000,
    cpu_percent=60,
    takes_requests=True,
)
SERVICE = ScaledService(
    environment="prod",
    scaling=SCALING,
    sampling=Sampling(reservoir=5, rate=0.1, tail_per_task=400),
    app_memory=896,
    workers=2,
    threads=8,
    spot_share=0,
    out_cooldown=300,
    in_cooldown=300,
    maximum_percent=200,
    health_interval=10,
    secrets=2,
    public_images=1,
    addresses=8182,
    nat_gateways=2,
    endpoints=frozenset(),
    daemon_cpu=32,
    daemon_buffers=512,
    metric_filters=4,
)
MEASURED = Measured(
    measured_on="2026-11-30",
    machine="2 vCPU",
    log_line=474,
    log_lines=2,
    health_check_line=0,
    failure_lines=1000,
    failure_log_lines=1,
    start_output=300,
    output=0,
    segment=1000,
    segment_wire=1200,
    spans=2,
    span=800,
    honeycomb=1500,
    rollbar_item=2500,
    cloudwatch_wire=800,
    request=1300,
    response=1000,
    requests_per_vcpu=1000,
    worker_memory=80,
)


def load(
    requests: float,
    *,
    service: ScaledService = SERVICE,
    failed_share: float = DEFAULT_FAILURE_RATE,
    latency: float = 0.05,
) -> Load:
    return Load(requests, service, MEASURED, failed_share, latency)


def fleet(requests_per_vcpu: float, latency: float) -> Fleet:
    return fleet_of(SERVICE, requests_per_vcpu=requests_per_vcpu, latency=latency, launches_per_second=500 / 60)
