"""Invented residents: households with their homes, phones, tags and notes, the same at every loading on one day."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from sqlalchemy.orm import Session

from core.demo.names import UNUSUAL, given_name, surname
from core.demo.street import COMMUNITIES, DemoCommunity
from core.residents.identity import demo_identity
from core.residents.masking import surname_length
from core.residents.models import LifeState, Resident
from core.residents.service import add_phones, check_resident, make_phone, set_identity, set_name, set_tags
from core.residents.sex import Sex

AGES = {"old": (60, 97), "middle": (30, 56), "young": (3, 15)}  # the usual one is near the lower end
YEAR = timedelta(days=365.25)
# (how often, who lives there, the tag of its old people)
HOUSEHOLDS = (
    (5, ("old",), "独居"), (5, ("old", "old"), "空巢"), (1, ("old", "young"), "留守"),
    (4, ("old", "old", "middle", "middle", "young"), None), (3, ("middle", "middle", "young"), None),
    (2, ("middle",), None),
)
# generation → (tag, share of its people)
TAGS = {
    "old": (("低保", .06), ("低保边缘", .04), ("残疾", .08), ("失能", .04), ("优抚", .03), ("失独", .02),
            ("特困", .01)),
    "middle": (("残疾", .05), ("低保", .03)),
    "young": (),
}
NOTES = (
    "耳背，敲门听不见", "腿脚不便，请多等一会儿", "白天在女儿家，傍晚后联系", "听不懂普通话，请说方言",
    "不用智能手机，请打电话", "视力不好，进门先说话", "午睡到两点半，请下午三点后来", "家中有狗，请先打电话",
)
SOURCES = ("入户走访", "社区登记", "民政信息比对")
EARLIEST_TAG = date(2021, 1, 1)
PHONES_EACH = 2000  # a community's own range of 1390000xxxx


@dataclass(frozen=True)
class Home:
    """Where a household lives."""

    compound: str
    building: str
    unit: str
    room: str


class Townsfolk:
    """Invents the people of one community; the session has its scope and its dictionary of tags."""

    def __init__(self, session: Session, community: DemoCommunity, today: date) -> None:
        """Everything that chance decides comes from the community's slug."""
        self.session, self.community, self.today = session, community, today
        self.chance = Random(community.slug)
        self.number = COMMUNITIES.index(community)
        self.unusual = list(UNUSUAL)
        self.taken: set[Home] = set()
        self.phones = 0
        self.born: dict[tuple[date, Sex], int] = {}

    def settle(self) -> int:
        """Fill the community; returns how many people there are."""
        count = 0
        weights = [often for often, _who, _tag in HOUSEHOLDS]
        with self.session.no_autoflush:  # one flush for all of them
            while count < self.community.people:
                [(_often, who, tag)] = self.chance.choices(HOUSEHOLDS, weights)
                household = self._household(who, tag)
                self.session.add_all(household)
                count += len(household)
        return count

    def _household(self, who: tuple[str, ...], tag: str | None) -> list[Resident]:
        home, family, people = self._home(), surname(self.chance), []
        for place, generation in enumerate(who):
            spouse = people[-1] if place and who[place - 1] == generation else None
            person = self._person(generation, home, family, spouse)
            if not people and person.sex is Sex.MALE:
                family = person.name[:surname_length(person.name)]
            self._give_tags(person, generation, tag)
            self._phone(person, generation)
            self._fate(person, generation)
            check_resident(person, self.today)
            people.append(person)
        return people

    def _home(self) -> Home:
        """A flat where nobody lives yet."""
        while True:
            compound = self.chance.choice(list(self.community.compounds))
            building = self.chance.randint(1, self.community.compounds[compound])
            room = self.chance.randint(1, 6) * 100 + self.chance.randint(1, 4)
            home = Home(compound, f"{building}栋", f"{self.chance.randint(1, 3)}单元", str(room))
            if home not in self.taken:
                self.taken.add(home)
                return home

    def _person(self, generation: str, home: Home, family: str, spouse: Resident | None) -> Resident:
        name, sex = self._name(generation, family, spouse)
        born = self._birth_date(generation, spouse)
        person = Resident(
            sex=sex, birth_date=born, compound=home.compound, building=home.building, unit=home.unit, room=home.room,
            state=LifeState.ALIVE, lives_elsewhere=False,
            registered_here=self.chance.choices((True, False, None), (7, 2, 1))[0], phones=[], tags=[],
        )
        set_name(person, name)
        if self.chance.random() < .94:
            set_identity(person, self._identity(born, sex), self.today)
        elif self.chance.random() < .2:
            person.birth_date = None
        if generation == "old" and self.chance.random() < .12:
            person.contact_note = self.chance.choice(NOTES)
        return person

    def _name(self, generation: str, family: str, spouse: Resident | None) -> tuple[str, Sex]:
        if spouse is None and generation == "old" and self.unusual:
            return self.unusual.pop(0)
        if spouse is None:
            sex = self.chance.choice((Sex.MALE, Sex.FEMALE))
        else:
            sex = Sex.FEMALE if spouse.sex is Sex.MALE else Sex.MALE
        if sex is Sex.FEMALE and generation != "young":
            family = surname(self.chance)
        return family + given_name(self.chance, generation, sex), sex

    def _birth_date(self, generation: str, spouse: Resident | None) -> date:
        """Couples are at most four years apart."""
        low, high = AGES[generation]
        wanted = self.today - self.chance.triangular(low, high, low + 5) * YEAR
        if spouse is not None and spouse.birth_date:
            wanted = spouse.birth_date + self.chance.uniform(-4, 4) * YEAR
        return min(wanted, self.today - (low + 0.1) * YEAR)

    def _identity(self, born: date, sex: Sex) -> str:
        """Each community has serials of its own, so that no number stands in two of them."""
        serial = self.born.get((born, sex), 0)
        self.born[born, sex] = serial + 1
        return demo_identity(born, sex, self.number * 100 + serial)

    def _give_tags(self, person: Resident, generation: str, household_tag: str | None) -> None:
        if household_tag and generation == "old":
            self._tag(person, household_tag, self._some_day())
        if person.birth_date and person.age_on(self.today) >= 80:
            eightieth = person.birth_date + 80 * YEAR
            self._tag(person, "高龄", min(max(eightieth, EARLIEST_TAG), self.today))
        for name, share in TAGS[generation]:
            if self.chance.random() < share:
                self._tag(person, name, self._some_day())

    def _tag(self, person: Resident, name: str, day: date) -> None:
        """Some of the tags that are for a time have ended."""
        set_tags(self.session, person, [name], day, self.chance.choice(SOURCES))
        if name.startswith("低保") and self.chance.random() < .2:
            person.tags[-1].ends_on = min(day + timedelta(days=364), self.today)

    def _some_day(self) -> date:
        return EARLIEST_TAG + timedelta(days=self.chance.randint(0, max((self.today - EARLIEST_TAG).days, 0)))

    def _phone(self, person: Resident, generation: str) -> None:
        """Children have a parent's number, and some old people none."""
        share = {"old": .85, "middle": .97, "young": .9}[generation]
        if self.chance.random() < share:
            number = f"1390000{self.number * PHONES_EACH + self.phones:04d}"
            self.phones += 1
            if generation == "young":
                person.phones.append(make_phone(number, self.chance.choice(("母亲", "父亲", "奶奶"))))
            else:
                add_phones(person, [number])

    def _fate(self, person: Resident, generation: str) -> None:
        """A few have moved away, died, or live elsewhere."""
        lot = self.chance.random()
        if lot < .03:
            person.state, person.state_on = LifeState.MOVED, self._recently()
        elif lot < .06 and generation == "old":
            person.state, person.state_on = LifeState.DECEASED, self._recently()
        elif lot > .96:
            person.lives_elsewhere = True
            person.other_address = f"示范市滨河路{self.chance.randint(1, 200)}号{self.chance.randint(1, 30)}室"

    def _recently(self) -> date:
        return self.today - timedelta(days=self.chance.randint(20, 700))
