"""From things found to DetectLabels: COCO's classes by Rekognition's names.

Source: Rekognition's developer guide, "Detecting labels", and its list of
labels with parents, aliases and categories. COCO's classes are in COCO's order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.recognizer.calibration import confidence_percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.recognizer.detector import Box, Found

MODEL_VERSION = "carscribe-recognizer-1"
"""Says plainly that it is not Rekognition's model that answered."""

VEHICLES = "Vehicles and Automotive"
ROADS = "Transport and Logistics"
ANIMALS = "Animals and Pets"
APPAREL = "Apparel and Accessories"
SPORTS = "Sports"
KITCHEN = "Kitchen and Dining"
FOOD = "Food and Beverage"
FURNITURE = "Furniture and Furnishings"
TECHNOLOGY = "Technology and Computing"
HOME = "Home and Indoors"

Kind = tuple[str, tuple[str, ...], tuple[str, ...], str]

# Name, parents, aliases, category.
KINDS: tuple[Kind, ...] = (
    ("Person", (), ("Human",), "Person Description"),
    ("Bicycle", ("Transportation", "Vehicle"), ("Bike",), VEHICLES),
    ("Car", ("Transportation", "Vehicle"), ("Automobile",), VEHICLES),
    ("Motorcycle", ("Transportation", "Vehicle"), ("Motorbike",), VEHICLES),
    ("Airplane", ("Aircraft", "Transportation", "Vehicle"), ("Aeroplane",), VEHICLES),
    ("Bus", ("Transportation", "Vehicle"), (), VEHICLES),
    ("Train", ("Transportation", "Vehicle"), (), VEHICLES),
    ("Truck", ("Transportation", "Vehicle"), (), VEHICLES),
    ("Boat", ("Transportation", "Vehicle"), (), VEHICLES),
    ("Traffic Light", ("Light",), (), ROADS),
    ("Fire Hydrant", ("Hydrant",), (), ROADS),
    ("Stopsign", ("Road Sign", "Sign", "Symbol"), ("Stop Sign",), ROADS),
    ("Parking Meter", (), (), ROADS),
    ("Bench", ("Furniture",), (), FURNITURE),
    ("Bird", ("Animal",), (), ANIMALS),
    ("Cat", ("Animal", "Mammal", "Pet"), (), ANIMALS),
    ("Dog", ("Animal", "Canine", "Mammal", "Pet"), (), ANIMALS),
    ("Horse", ("Animal", "Mammal"), (), ANIMALS),
    ("Sheep", ("Animal", "Livestock", "Mammal"), (), ANIMALS),
    ("Cow", ("Animal", "Cattle", "Livestock", "Mammal"), (), ANIMALS),
    ("Elephant", ("Animal", "Mammal", "Wildlife"), (), ANIMALS),
    ("Bear", ("Animal", "Mammal", "Wildlife"), (), ANIMALS),
    ("Zebra", ("Animal", "Mammal", "Wildlife"), (), ANIMALS),
    ("Giraffe", ("Animal", "Mammal", "Wildlife"), (), ANIMALS),
    ("Backpack", ("Bag",), (), APPAREL),
    ("Umbrella", ("Canopy",), (), APPAREL),
    ("Handbag", ("Accessories", "Bag"), ("Purse",), APPAREL),
    ("Tie", ("Accessories", "Formal Wear"), ("Necktie",), APPAREL),
    ("Suitcase", ("Baggage",), (), APPAREL),
    ("Frisbee", ("Toy",), (), SPORTS),
    ("Ski", (), ("Skis",), SPORTS),
    ("Snowboard", (), (), SPORTS),
    ("Ball", (), (), SPORTS),
    ("Kite", ("Toy",), (), SPORTS),
    ("Baseball Bat", ("Baseball", "Sport"), (), SPORTS),
    ("Baseball Glove", ("Baseball", "Sport"), (), SPORTS),
    ("Skateboard", (), (), SPORTS),
    ("Surfboard", (), (), SPORTS),
    ("Racket", (), (), SPORTS),
    ("Bottle", (), (), KITCHEN),
    ("Wine Glass", ("Glass",), (), KITCHEN),
    ("Cup", (), (), KITCHEN),
    ("Fork", ("Cutlery",), (), KITCHEN),
    ("Knife", ("Cutlery",), (), KITCHEN),
    ("Spoon", ("Cutlery",), (), KITCHEN),
    ("Bowl", (), (), KITCHEN),
    ("Banana", ("Food", "Fruit", "Plant", "Produce"), (), FOOD),
    ("Apple", ("Food", "Fruit", "Plant", "Produce"), (), FOOD),
    ("Sandwich", ("Food",), (), FOOD),
    ("Orange", ("Food", "Fruit", "Plant", "Produce"), (), FOOD),
    ("Broccoli", ("Food", "Plant", "Produce", "Vegetable"), (), FOOD),
    ("Carrot", ("Food", "Plant", "Produce", "Vegetable"), (), FOOD),
    ("Hot Dog", ("Food",), (), FOOD),
    ("Pizza", ("Food",), (), FOOD),
    ("Donut", ("Food", "Sweets"), ("Doughnut",), FOOD),
    ("Cake", ("Dessert", "Food"), (), FOOD),
    ("Chair", ("Furniture",), (), FURNITURE),
    ("Couch", ("Furniture",), ("Sofa",), FURNITURE),
    ("Potted Plant", ("Plant",), (), "Plants and Flowers"),
    ("Bed", ("Furniture",), (), FURNITURE),
    ("Dining Table", ("Furniture", "Table"), (), FURNITURE),
    ("Toilet", ("Bathroom", "Indoors", "Room"), (), HOME),
    ("TV", ("Computer Hardware", "Electronics", "Hardware", "Screen"), ("Television",), TECHNOLOGY),
    ("Laptop", ("Computer", "Electronics", "Pc"), (), TECHNOLOGY),
    ("Mouse", ("Computer Hardware", "Electronics", "Hardware"), (), TECHNOLOGY),
    ("Remote Control", ("Electronics",), (), TECHNOLOGY),
    (
        "Computer Keyboard",
        ("Computer Hardware", "Electronics", "Hardware"),
        ("Keyboard",),
        TECHNOLOGY,
    ),
    ("Mobile Phone", ("Electronics", "Phone"), ("Cell Phone",), TECHNOLOGY),
    ("Microwave", ("Appliance", "Electrical Device"), (), HOME),
    ("Oven", ("Appliance", "Electrical Device"), (), HOME),
    ("Toaster", ("Appliance", "Electrical Device"), (), HOME),
    ("Sink", (), (), HOME),
    ("Refrigerator", ("Appliance", "Electrical Device"), ("Fridge",), HOME),
    ("Book", ("Publication",), (), "Education"),
    ("Clock", (), (), HOME),
    ("Vase", ("Jar", "Pottery"), (), HOME),
    ("Scissors", (), (), "Tools and Machinery"),
    ("Teddy Bear", ("Toy",), (), "Toys and Gaming"),
    ("Hair Dryer", ("Appliance", "Electrical Device"), (), HOME),
    ("Toothbrush", ("Tool",), (), HOME),
)

LEAST_PERCENT = 55.0
"""What Rekognition itself leaves out unless it is asked for more."""


def to_labels(found: Iterable[Found]) -> dict[str, Any]:
    """Return what DetectLabels answers: a label a class, with every instance of it."""
    labels: dict[int, dict[str, Any]] = {}
    for thing in found:
        confidence = confidence_percent(thing.score)
        if confidence < LEAST_PERCENT:
            continue
        if thing.kind not in labels:
            labels[thing.kind] = _label(KINDS[thing.kind])
        label = labels[thing.kind]
        label["Confidence"] = max(label["Confidence"], confidence)
        label["Instances"].append({"BoundingBox": _box(thing.box), "Confidence": confidence})
    ordered = sorted(labels.values(), key=lambda label: -label["Confidence"])
    return {"Labels": ordered, "LabelModelVersion": MODEL_VERSION}


def _label(kind: Kind) -> dict[str, Any]:
    name, parents, aliases, category = kind
    return {
        "Name": name,
        "Confidence": 0.0,
        "Instances": [],
        "Parents": [{"Name": parent} for parent in parents],
        "Aliases": [{"Name": alias} for alias in aliases],
        "Categories": [{"Name": category}],
    }


def _box(box: Box) -> dict[str, float]:
    return {
        "Width": box.right - box.left,
        "Height": box.bottom - box.top,
        "Left": box.left,
        "Top": box.top,
    }
