"""The admin calls under /_carscribe/: counts, faults, enforcement, addresses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from emulator import credentials
from emulator.faults import Faults, FaultsError
from emulator.messages import Answer
from emulator.moto_app import regions_of_ec2

if TYPE_CHECKING:
    from emulator.messages import Request
    from emulator.server import Emulator


async def answer(emulator: Emulator, request: Request) -> Answer:
    """Carry out one admin call.

    GET counts, in_flight (calls under way or answered just now), recognizer (whether one
    looks at pictures without a recorded answer, and how many nobody looked at), instances (states and
    reboots, for the local hosts); POST reset, faults,
    answers (look for new ones now), iam {"enforced": bool},
    metadata {"credentials_lifetime_seconds": n, "addresses": {"127.0.0.1": "i-..."}},
    listen {"address": "10.1.2.1"}; DELETE listen.
    """
    call = f"{request.method} {request.path.removeprefix('/_carscribe/')}"
    try:
        value = json.loads(request.body) if request.body else {}
        if not isinstance(value, dict):
            return Answer.of_json({"error": "expected a JSON object"}, 400)
        return await _carry_out(emulator, call, value)
    except (ValueError, KeyError, TypeError, OSError) as error:
        return Answer.of_json({"error": f"{type(error).__name__}: {error}"}, 400)


async def _carry_out(emulator: Emulator, call: str, value: dict[str, Any]) -> Answer:  # noqa: C901, PLR0911, PLR0912 # a table
    match call:
        case "GET counts":
            return Answer.of_json(emulator.counts.read())
        case "GET in_flight":
            return Answer.of_json(emulator.counts.in_flight())
        case "GET recognizer":
            loaded = emulator.rekognition.has_recognizer
            unseen = 0 if loaded else emulator.answers.missed
            return Answer.of_json({"loaded": loaded, "unseen": unseen})
        case "GET instances":
            return Answer.of_json(await emulator.moto.run(_instances))
        case "POST reset":
            emulator.counts.reset()
        case "POST faults":
            try:
                emulator.show(Faults(value))
            except FaultsError as error:
                return Answer.of_json({"error": str(error)}, 400)
        case "POST answers":
            emulator.answers.rescan()
        case "POST iam":
            credentials.enforce(bool(value["enforced"]))
        case "POST metadata":
            emulator.metadata.set(value)
        case "POST listen":
            if value["address"] not in emulator.listeners:
                await emulator.listen(value["address"], emulator.port)
        case "DELETE listen":
            if value["address"] in emulator.listeners:
                emulator.stop_listening(value["address"])
        case _:
            return Answer.of_json({"error": f"no such call: {call}"}, 404)
    return Answer.of_json({})


def _instances() -> dict[str, dict[str, Any]]:
    """Return the state and the count of reboots of each instance that exists, by its id."""
    return {
        instance.id: {"state": instance.state, "reboots": instance.carscribe_reboots}
        for backend in regions_of_ec2()
        for reservation in list(backend.reservations.values())
        for instance in reservation.instances
    }
