"""What each value of a slot can be called. Data only: `synthetic.grammar` says it, `reading` reads it."""

from __future__ import annotations

Words = dict[str, tuple[str, ...]]

COLOURS: tuple[str, ...] = (
    "red", "blue", "green", "yellow", "white", "black", "orange", "purple", "brown", "pink", "grey",
)  # fmt: skip

NOUNS: Words = {
    "person": ("person", "person", "human"),
    "car": ("car", "car", "automobile"),
    "bus": ("bus", "bus", "coach"),
    "truck": ("truck", "truck", "lorry"),
    "van": ("van", "van", "minivan"),
    "tractor": ("tractor",),
    "motorbike": ("motorbike", "motorcycle"),
    "bicycle": ("bicycle", "bike"),
    "boat": ("boat", "boat", "ship"),
    "dog": ("dog", "dog", "puppy"),
    "cat": ("cat", "cat", "kitten"),
    "horse": ("horse", "horse", "pony"),
    "cow": ("cow", "cow", "bull"),
    "sheep": ("sheep", "sheep", "lamb"),
    "elephant": ("elephant",),
    "bird": ("bird",),
    "swan": ("swan",),
    "ball": ("ball",),
    "balloon": ("balloon",),
    "kite": ("kite",),
    "umbrella": ("umbrella", "umbrella", "parasol"),
    "sign": ("sign", "sign", "road sign", "traffic sign"),
    "chair": ("chair",),
    "bench": ("bench",),
    "suitcase": ("suitcase", "suitcase", "trolley"),
    "vehicle": ("vehicle",),
    "animal": ("animal", "animal", "creature"),
}
PERSON_NOUNS: Words = {
    "man": ("man", "man", "guy", "gentleman"),
    "woman": ("woman", "woman", "lady"),
    "riding": ("cyclist", "bicyclist"),
    "on horseback": ("horseman", "horse rider"),
    "on a motorbike": ("motorcyclist", "biker"),
    "skateboarding": ("skateboarder", "skater"),
    "on foot": ("pedestrian",),
    "running": ("runner", "jogger"),
}
COLOUR_SYNONYMS: Words = {"purple": ("purple", "purple", "violet"), "grey": ("grey", "grey", "gray")}
UPPER = ("shirt", "shirt", "top", "jacket", "sweater")
LOWER = ("trousers", "trousers", "pants")
IN_COLOUR = ("in {colour}", "in {colour}", "dressed in {colour}", "wearing {colour}", "who wears {colour}")
WEAR = ("in {garment}", "wearing {garment}", "with {garment}", "who wears {garment}", "who is wearing {garment}")
OF_COLOUR = ("that is {colour}", "which is {colour}")
HAT = ("with {a} {colour} hat", "wearing {a} {colour} hat", "in {a} {colour} hat", "who has {a} {colour} hat on")
BAG = (
    "with {a} {colour} backpack", "carrying {a} {colour} backpack", "with {a} {colour} bag",
    "who carries {a} {colour} backpack",
)  # fmt: skip
ACTION: Words = {
    "walking": ("walking", "walking", "{who} is walking", "{who} walks"),
    "running": ("running", "running", "{who} is running", "{who} runs"),
    "standing": ("standing", "standing still", "{who} is standing", "{who} stands still"),
    "riding": ("riding a bike", "on a bike", "on a bicycle", "riding a bicycle", "cycling", "who rides a bike"),
    "on horseback": ("riding a horse", "on a horse", "on horseback", "who is riding a horse", "who rides a horse"),
    "on a motorbike": ("riding a motorbike", "on a motorbike", "on a motorcycle", "who rides a motorbike"),
    "skateboarding": ("skateboarding", "on a skateboard", "riding a skateboard", "who is skateboarding"),
    "on foot": ("on foot", "who is on foot"),
    "sitting": ("sitting", "sitting down", "that is sitting", "that sits"),
    "lying": ("lying", "that is lying", "that lies there"),
    "grazing": ("grazing", "eating grass", "that is grazing", "that eats grass"),
    "flying": ("flying", "that is flying", "that flies", "in the air"),
    "floating": ("floating", "that is floating", "in the air"),
    "swimming": ("swimming", "that is swimming", "that swims", "on the water"),
    "anchored": ("at anchor", "that is anchored", "that lies at anchor"),
    "moving": ("moving", "{who} is moving", "{who} moves"),
    "parked": ("parked", "that is parked", "not moving"),
    "rolling": ("rolling", "that is rolling", "that rolls"),
}
HEADING = (
    "moving {way}", "going {way}", "heading {way}",
    "{who} is moving {way}", "{who} is going {way}", "{who} moves {way}",
)  # fmt: skip
HEADING_VERB: Words = {
    "walking": ("walking {way}", "{who} is walking {way}", "{who} walks {way}"),
    "running": ("running {way}", "{who} is running {way}", "{who} runs {way}"),
    "riding": ("riding a bike {way}", "cycling {way}", "who is riding a bike {way}"),
    "on horseback": ("riding a horse {way}", "who rides a horse {way}"),
    "on a motorbike": ("riding a motorbike {way}", "on a motorbike heading {way}"),
    "skateboarding": ("skateboarding {way}", "riding a skateboard {way}"),
    "rolling": ("rolling {way}", "that is rolling {way}"),
    "flying": ("flying {way}", "that is flying {way}", "that flies {way}"),
    "swimming": ("swimming {way}", "that is swimming {way}"),
}
WAY = ("{side}", "to the {side}", "to the {side}", "towards the {side}")
SIDE: Words = {
    "left": ("on the left", "on the left", "on the left side", "at the left"),
    "right": ("on the right", "on the right", "on the right side", "at the right"),
    "middle": ("in the middle", "in the centre", "in the center"),
}
EXTREME_AFTER = {"leftmost": "furthest to the left", "rightmost": "furthest to the right"}
SIZE: Words = {"biggest": ("biggest", "largest"), "smallest": ("smallest",)}
SIZE_OF_TWO: Words = {"biggest": ("bigger", "larger"), "smallest": ("smaller",)}
SPEED: Words = {"fastest": ("fastest", "quickest"), "slowest": ("slowest",)}
SPEED_OF_TWO: Words = {"fastest": ("faster", "quicker"), "slowest": ("slower",)}
SPEED_AFTER: Words = {
    "fastest": ("that moves fastest", "that is moving fastest"),
    "slowest": ("that moves slowest", "that is moving slowest"),
}
CHANGE: Words = {
    "turns": ("{who} turns round", "{who} turns around", "turning round", "{who} turns and goes back"),
    "stops": ("{who} stops", "{who} comes to a stop", "coming to a stop"),
    "starts": ("{who} starts moving", "{who} sets off", "{who} begins to move"),
    "leaves": ("{who} leaves", "leaving the picture", "{who} goes out of the picture", "{who} leaves the picture"),
    "enters": ("{who} enters", "entering the picture", "{who} comes into the picture", "{who} enters the picture"),
    "returns": ("{who} leaves and comes back", "{who} returns", "{who} comes back"),
}
RELATION: Words = {
    "behind": ("behind", "behind", "that is behind"),
    "in front of": ("in front of", "in front of", "that is in front of"),
    "next to": ("next to", "beside", "close to"),
    "left of": ("to the left of", "on the left of", "left of"),
    "right of": ("to the right of", "on the right of", "right of"),
}
ORDER: Words = {
    "second from left": ("second from the left",),
    "second from right": ("second from the right",),
    "third from left": ("third from the left",),
    "third from right": ("third from the right",),
    "first to leave": ("first to leave", "first that leaves"),
    "last to leave": ("last to leave", "last that leaves"),
    "first to enter": ("first to enter", "first that enters"),
    "last to enter": ("last to enter", "last that enters"),
}
TRAILING = ("in the picture", "in the video", "in the scene", "in the image", "in the clip", "in the frame")
