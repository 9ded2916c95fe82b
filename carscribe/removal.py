"""What `make down` removes: by Terraform, beside it, and whatever AWS still has of a deployment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from carscribe import bucket, leftovers
from carscribe.deployment import EXIT_NO_PERMISSION
from carscribe.inputs import make_key
from carscribe.provision import (
    CONFIGURATION,
    KEY,
    LAB_BUCKET,
    NO_KEYS,
    WAIT_FOR_LOCK,
    made_with,
    values,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import boto3

    from carscribe.provision import Deployment, Terraform
    from carscribe.state import State
    from carscribe.steps import Steps

EXIT_LEFTOVERS = 1


def destroy(
    terraform: Terraform, extra: Sequence[str], steps: Steps | None = None
) -> tuple[int, str]:
    """Destroy all that the state knows, with the variables it was made with.

    Files that those variables name may be gone by now, so what a destroy does
    not need is given again. If a refresh is not possible any more, it is left
    out.
    """
    known = terraform.known()
    if not known.resources:
        return 0, ""
    make_key(KEY)  # a checkout that shares the state may have none
    inputs = made_with(terraform.deployment)
    for name in [name for name in terraform.environment if name.startswith("TF_VAR_")]:
        del terraform.environment[name]
    terraform.environment.update(inputs["environment"])
    # Another checkout, which shares the state, may have made it: with the same files.
    files = [f"-var-file={file}" for file in terraform.deployment.variable_files]
    arguments = [
        *(a for a in inputs["arguments"] or files if a.startswith("-var=") or _is_there(a)),
        f"-var=ssh_private_key_file={KEY}",
        f"-var=ssh_public_key_file={KEY}.pub",
        '-var=ssh_ingress_cidrs=["127.0.0.1/32"]',
        "-var=bucket_force_destroy=true",
        *(f"{LAB_BUCKET}{name}" for name in known.buckets_beside),
    ]
    if "region" in known.outputs:
        arguments.append(f"-var=region={known.outputs['region']}")
    options = [*terraform.colour, WAIT_FOR_LOCK, "-auto-approve"]
    if not all(bucket.get("force_destroy") for bucket in known.of_type("aws_s3_bucket")):
        terraform.run("apply", *options, "-target=aws_s3_bucket.images", *arguments, capture=True)
    code, said = terraform.run("destroy", *options, *arguments, *extra, steps=steps)
    if code != 0:
        print("Once more, from what the state knows alone.", file=sys.stderr)
        options.append("-refresh=false")
        code, said = terraform.run("destroy", *options, *arguments, *extra, steps=steps)
    return code, said


def buckets_beside(deployment: Deployment, known: State) -> set[str]:
    """Return the bucket that was made before Terraform was asked, as far as anything tells of it."""
    return known.buckets_beside | set(filter(None, [made_with(deployment).get("bucket")]))


def remove_buckets(session: boto3.session.Session, deployment: Deployment, known: State) -> int:
    """Remove, after a destroy, what it leaves; return how many buckets that were.

    Raises:
        DeploymentError: AWS does not let it.
    """
    return sum(bucket.remove(session, name) for name in buckets_beside(deployment, known))


def _is_there(argument: str) -> bool:
    kind, _, file = argument.partition("=")
    return kind == "-var-file" and (CONFIGURATION / file).is_file()


def named(terraform: Terraform) -> tuple[str, str]:
    """Return the deployment's name and region: of its last apply, else what they are now."""
    inputs = made_with(terraform.deployment)
    if not inputs.get("name"):
        inputs = values(terraform, NO_KEYS)
    return str(inputs["name"]), str(inputs["region"])


def say_what_is_left(
    session: boto3.session.Session,
    name: str,
    region: str,
    *,
    is_lasting: bool,
    removed: bool = True,
) -> int:
    """Ask AWS itself, and fail if something with this deployment's name stays there."""
    ask = leftovers.ask_until_settled if removed and is_lasting else leftovers.ask
    answer = ask(session, region, name)
    if answer.found and not is_lasting:
        found = ", ".join(map(str, answer.found))
        print(f"Terraform does not know of {found}: gone when the emulator ends.")
        return 0
    if gone := leftovers.gone(answer, name):
        print(gone)
    for line in filter(None, [leftovers.refusals(answer), *leftovers.list_found(answer)]):
        print(line, file=sys.stderr)
    if answer.found:
        return EXIT_LEFTOVERS
    return 0 if answer.is_sure else EXIT_NO_PERMISSION
