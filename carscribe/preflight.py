"""What is said before anything is made: what is missing, and what it will cost.

This is `make doctor`, and the first thing that `make up` does. Nothing is made.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from carscribe import CHECKOUT, cost, doctor, estimate, provision, quota
from carscribe.credentials import CredentialsError, check_credentials
from carscribe.deployment import BUILD, DeploymentError
from carscribe.folder import PicturesError, find
from carscribe.inputs import UsageError, check_key, make_key
from carscribe.options import in_one_word
from carscribe.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from carscribe.estimate import Estimate
    from carscribe.folder import Found
    from carscribe.options import Options
    from carscribe.targets import Target

NOT_IN_PATHS = set('"\\%$\n')
"""What ssh_config(5) gives a meaning of its own in UserKnownHostsFile and IdentityFile."""
STAGED = "images"
"""The folder in build/TARGET of links to what is uploaded, where not all of a folder is."""


class Wanted:
    """What a deployment is to be: what is asked for now, and else what it was made with.

    Args:
        target: where.
        options: what is asked for now.

    Raises:
        DeploymentError: Terraform is missing, or a variable is refused; says which and why.
    """

    def __init__(self, target: Target, options: Options) -> None:
        if bad := sorted(NOT_IN_PATHS & set(str(CHECKOUT))):
            raise DeploymentError(
                f"The checkout lies in {str(CHECKOUT)!r}, and OpenSSH takes no {' or '.join(bad)} in "
                "the names of its files: move it."
            )
        self.target = target
        folder = BUILD / target.name
        before = provision.made_with(provision.Deployment(target.name, folder))
        self.lab = _is_lab(target, options, before)
        self.deployment = provision.Deployment(target.name, folder, lab=self.lab)
        self.terraform = provision.Terraform(self.deployment, target.surroundings())
        named = [word for word in options.terraform if word.startswith(provision.VARIABLES)]
        self.extra = merged(before.get("given", []), named)
        for name, value in before["environment"].items():
            self.terraform.environment.setdefault(name, value)
        if not any("ssh_private_key_file" in argument for argument in self.extra):
            make_key(provision.KEY)
            check_key(provision.KEY)
        self.values = self._values()
        self._refuse_another_inventory()
        self.images = options.images or before.get("images")
        self.found = self._find()
        self._before = before

    @cached_property
    def quota(self) -> Quota | None:
        """Rekognition's quota, asked for once; None where the caller has given a rate.

        Where it cannot be read it is what it was at the last `up`.
        """
        if self.values["rekognition_rate_per_second_is_given"]:
            return None
        now = self.target.quota(str(self.values["region"]))
        if now.source == quota.DOCUMENTED and (kept := self._before.get("quota")):
            return Quota(float(kept["calls_per_second"]), str(kept["source"]))
        return now

    @property
    def rate(self) -> float:
        """How many calls a second a worker makes at the most."""
        return float(
            self.values["rekognition_rate_per_second"]
            if self.quota is None
            else self.quota.calls_per_second
        )

    @property
    def rates(self) -> dict[str, float]:
        """The same in each region that is asked, by its name, the bucket's own first."""
        return {str(self.values["region"]): self.rate, **self.values["rekognition_rates_elsewhere"]}

    @cached_property
    def estimate(self) -> Estimate | None:
        """The images of a run, counted once; None where nobody can."""
        if self.found is not None:
            return estimate.of_folder(self.found)
        with suppress(BotoCoreError, ClientError, DeploymentError):
            s3 = self.target.session(str(self.values["region"])).client("s3")
            bucket, prefix = self.values["existing_bucket"], self.values["image_prefix"]
            return estimate.of_bucket(
                s3, str(bucket), str(prefix), estimate.holding(*self._volumes)
            )
        return None

    def fits(self) -> Iterator[doctor.Finding]:
        """Say whether the workers' volumes hold what a run writes."""
        if self.estimate is not None:
            yield estimate.volume(self.estimate, *self._volumes)

    @property
    def _volumes(self) -> tuple[float, int]:
        """The size of each worker's volume, in GiB, and the number of pairs."""
        return float(self.values["result_volume_size_gib"]), int(self.values["pairs"])

    def _values(self) -> dict[str, Any]:
        """Ask what the variables come to; a private key that is missing the doctor tells."""
        try:
            return provision.values(self.terraform, self.extra)
        except UsageError as problem:
            key = re.fullmatch(r'ssh_private_key_file is "(.*)", and there is .*', str(problem))
            if key is None or not self.lab:
                raise
        found = provision.values(self.terraform, [*self.extra, *provision.NO_KEYS])
        return {**found, "ssh_private_key_file": key[1]}

    def _refuse_another_inventory(self) -> None:
        """It may come from a variable that another project has under the same name."""
        named = str(self.values["inventory_file"])
        if provision.place(named) != (BUILD / "inventory.yml").resolve():
            raise DeploymentError(
                f"inventory_file is {named!r}, and each command here looks for the hosts in "
                "build/inventory.yml: take it out of TF_VAR_inventory_file and terraform/*.tfvars, "
                "or say TERRAFORM_ARGUMENTS=-var=inventory_file=../build/inventory.yml."
            )

    def _find(self) -> Found | None:
        """Look into the folder of images; None where a bucket has them already."""
        if self.values["existing_bucket"] and self.images is None:
            return None
        folder = self.folder
        try:
            return find(folder)
        except PicturesError as problem:
            raise DeploymentError(
                f"{problem} Say `make up IMAGES=DIR` with the folder of your images."
            ) from None

    @property
    def folder(self) -> Path:
        """The folder of images."""
        if self.images is not None:
            return (CHECKOUT / self.images).resolve()
        return provision.place(self.values["images_dir"])

    def keys(self) -> set[str]:
        """Return the keys of what is uploaded."""
        prefix = str(self.values["image_prefix"])
        return {f"{prefix}{picture.key}" for picture in (self.found.pictures if self.found else ())}

    def arguments(self) -> list[str]:
        """Return the arguments for Terraform.

        It would follow links out of the folder and wait for what is in a named
        pipe, so where something is passed over it gets a folder of links to the rest.
        """
        if self.quota is None or self.quota.source == quota.DOCUMENTED:
            extra = self.extra
        else:
            extra = merged(self.extra, [f"-var=rekognition_rate_per_second={self.rate:g}"])
        if self.found is None or (self.images is None and not self.found.passed_over):
            return extra
        folder = self.folder
        if self.found.passed_over:
            folder = self.deployment.state / STAGED
            provision.stage(self.found.pictures, folder)
        return merged(extra, [f"-var=images_dir={folder}"])


def _is_lab(target: Target, options: Options, before: dict[str, Any]) -> bool:
    if not target.is_paid:
        return False
    if options.lab or before.get("lab"):
        return True
    try:
        is_lab = doctor.in_lab(check_credentials())
    except CredentialsError:
        return False  # the doctor says why
    if is_lab:
        print("These are the credentials of an AWS Academy Learner Lab: going on as with LAB=1.")
    return is_lab


def merged(before: list[str], now: list[str]) -> list[str]:
    """Return the variables of before, but for those given anew, and all that is given now."""
    now = in_one_word(now)
    named = {word.split("=")[1] for word in now if word.startswith("-var=")}
    kept = [word for word in before if word.split("=")[1] not in named and word not in now]
    return [*kept, *now]


def look(wanted: Wanted, *, everything: bool) -> None:
    """Say what is missing and what it will cost.

    Args:
        wanted: what is to be made.
        everything: also say what is well.

    Raises:
        DeploymentError: something is missing; each thing has been said.
    """
    findings = wanted.target.preflight(wanted.values, lab=wanted.lab)
    _show(chain(findings, wanted.fits()), everything=everything)
    if wanted.images is not None and wanted.found is not None and str(wanted.found):
        print(wanted.found)
    print(wanted.target.price(wanted.values))
    if wanted.target.is_paid:
        values, pairs = wanted.values, int(wanted.values["pairs"])
        hour = cost.usd_per_hour(
            str(values["instance_type"]), float(values["result_volume_size_gib"]), pairs=pairs
        )
        known = wanted.estimate
        count = known.images if known and known.is_all else None
        print(cost.a_run(count, sum(wanted.rates.values()), hour, pairs), flush=True)
        if len(wanted.rates) > 1:
            print(estimate.transfer(known, wanted.rates, str(values["region"])), flush=True)


def _show(findings: Iterable[doctor.Finding], *, everything: bool) -> None:
    count = crosses = 0
    for finding in findings:
        count += 1
        crosses += not finding.well
        if everything or not finding.well or finding.is_said:
            print(finding, flush=True)
    if crosses:
        raise DeploymentError(
            f"{crosses} of {count} need your attention, see the lines with a ✗; nothing was made."
        )
    if not everything:
        print(f"✓ {count} checks passed (`make doctor` shows them)", flush=True)
