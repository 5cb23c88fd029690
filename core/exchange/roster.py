"""居民名册: residents from an office's own list; a plugin's roster (就餐人员名册) begins with the same columns."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, joinedload, selectinload

from core.clock import today
from core.declarations import Sheet
from core.errors import ValidationError
from core.exchange.cells import CellValue, SheetColumn, parse_choice, parse_date, parse_text, text_of
from core.residents.address import LONGEST_COMPOUND, LONGEST_PART, House, parse_address
from core.residents.identity import EARLIEST_YEAR, Identity, check_against, parse_identity
from core.residents.models import LifeState, Resident, ResidentTag, TagKind
from core.residents.phone import parse_phones
from core.residents.pinyin import normalise_name
from core.residents.service import HOUSE_FIELDS, add_phones, fill_resident, new_resident, whom_it_means
from core.residents.service import identity_hash as hash_of_number
from core.residents.service import phone_hash as hash_of_phone
from core.residents.sex import Sex

AT_ONCE = 500  # values in one look-up
NOTHING = frozenset(("无", "否", "-", "—", "/", "没有", "正常", "一般", "普通"))
TAG_ENDINGS = re.compile("(老年人|老人|人员|人群|家庭|对象|户|人)$")
SEXES = {"男": Sex.MALE, "男性": Sex.MALE, "M": Sex.MALE, "1": Sex.MALE, "女": Sex.FEMALE, "女性": Sex.FEMALE,
         "F": Sex.FEMALE, "2": Sex.FEMALE, "未知": Sex.UNKNOWN, "不详": Sex.UNKNOWN, "0": Sex.UNKNOWN}
REGISTERED = {
    "是": True, "有": True, "√": True, "Y": True, "1": True, "本地": True, "本地户籍": True, "本社区": True,
    "本社区户籍": True, "本区": True, "本市": True, "户籍": True, "户籍人口": True, "常住户籍": True, "在册": True,
    "否": False, "无": False, "×": False, "N": False, "0": False, "外地": False, "外地户籍": False, "非本地": False,
    "非本地户籍": False, "非户籍": False, "流动": False, "流动人口": False, "外来": False, "外来人口": False,
}
STATES = {
    "在住": LifeState.ALIVE, "居住": LifeState.ALIVE, "常住": LifeState.ALIVE, "健在": LifeState.ALIVE,
    "正常": LifeState.ALIVE, "迁出": LifeState.MOVED, "已迁出": LifeState.MOVED, "搬走": LifeState.MOVED,
    "已搬走": LifeState.MOVED, "去世": LifeState.DECEASED, "已去世": LifeState.DECEASED, "死亡": LifeState.DECEASED,
    "已故": LifeState.DECEASED, "病故": LifeState.DECEASED,
}
SAME_PERSON = (("identity_number",), ("name", "birth_date"), ("name", "phones"))


def _name(cell: CellValue) -> str:
    return normalise_name(text_of(cell))


def _identity(cell: CellValue) -> Identity:
    return parse_identity(cell if isinstance(cell, int | float | str) else text_of(cell), today=today(), legacy=True)


def _past_day(cell: CellValue) -> date:
    found = parse_date(cell, today=today())
    if found > today():
        raise ValidationError(_("This day lies in the future."))
    if found.year < EARLIEST_YEAR:
        raise ValidationError(_("This day is before 1900."))
    return found


def _phones(cell: CellValue) -> list[str]:
    if cell in NOTHING:
        return []
    return parse_phones(cell if isinstance(cell, int | float | str) else text_of(cell))


def _address(cell: CellValue) -> House:
    return parse_address(text_of(cell))


def _part(cell: CellValue) -> str:
    return parse_text(LONGEST_PART - 2)(cell)  # room for 单元


def _tags(cell: CellValue) -> list[str]:
    words = (word.strip() for word in re.split(r"[、,，;；/|\s]+", text_of(cell)))
    return [word for word in dict.fromkeys(words) if word and word not in NOTHING]


def resident_columns() -> tuple[SheetColumn, ...]:
    """The columns about a person, with the headers that offices use for them."""
    return (
        _column("name", _l("Name"), "姓名 名字 老人姓名 居民姓名 人员姓名", _name, required=True, example="张三"),
        _column("sex", _l("Sex"), "性别", parse_choice(SEXES), choices=("男", "女")),
        _column("birth_date", _l("Birth date"), "出生日期 出生年月日 生日 出生年月 出生时间", _past_day,
                hint=_l("Not needed where the identity number is given"), example="1950-01-02"),
        _column("identity_number", _l("Identity number"),
                "身份证 身份证号 身份证号码 公民身份号码 公民身份证号码 证件号码 证件号 居民身份证号"
                " 居民身份证号码",
                _identity, private=True, hint=_l("18 characters; the column must have text format"),
                example="990000195001020029"),
        _column("phones", _l("Phone"), "电话 手机 联系电话 手机号 手机号码 电话号码 联系方式 本人电话 老人电话",
                _phones, private=True, hint=_l("Several numbers are possible, with 、 between them"),
                example="13900000000"),
        _column("address", _l("Address"),
                "住址 地址 家庭住址 家庭地址 现住址 现住地址 居住地址 详细地址 居住地 联系地址", _address,
                hint=_l("In one cell like the example, or in the four columns that follow"),
                example="幸福小区3栋2单元301"),
        _column("compound", _l("Compound"), "小区 院落 小区名称 所属小区 小区院落 所在小区",
                parse_text(LONGEST_COMPOUND), example="幸福小区"),
        _column("building", _l("Building"), "楼栋 楼号 幢 栋 栋号 楼幢 幢号 楼 楼栋号", _part, example="3栋"),
        _column("unit", _l("Unit"), "单元 单元号", _part, example="2单元"),
        _column("room", _l("Room"), "室 房号 门牌 门牌号 室号 房间号 房间 户号", _part, example="301"),
        _column("other_address", _l("Address elsewhere"), "外住地址 外地住址 实际居住地 人户分离居住地",
                parse_text(200), private=True, hint=_l("Only for people who live outside this community")),
        _column("registered_here", _l("Registered here"),
                "户籍 是否本地户籍 是否户籍 是否本社区户籍 户籍类型 户籍性质 户籍情况 户口 户口性质 本地户籍 人口类型",
                parse_choice(REGISTERED), choices=("是", "否")),
        _column("tags", _l("Tags"),
                "标签 人员类别 人员类型 类别 人群类别 特殊人群 困难类别 服务对象类别 对象类别 人员标签", _tags,
                hint=_l("Words of the tag dictionary, with 、 between them"), example="独居、低保"),
        _column("contact_note", _l("Contact note"), "联系备注 联系提示 备注 联系说明 注意事项 联系注意事项",
                parse_text(200), private=True, hint=_l("e.g. hard of hearing, does not hear a knock"),
                example="耳背，敲门听不见"),
        _column("state", _l("State"), "状态 人员状态 居住状态", parse_choice(STATES), choices=("在住", "迁出", "去世")),
        _column("state_on", _l("Moved or deceased on"), "变动日期 迁出日期 去世日期 死亡日期"
                " 迁出或去世日期 迁出/去世日期", _past_day),
    )


def _column(key: str, title: Any, headers: str, parse: Callable[[CellValue], object], **more: Any) -> SheetColumn:
    return SheetColumn(key, title, tuple(headers.split()), parse, **more)


class ResidentRows:
    """The residents whom the rows of a file may mean, looked up in few statements (see SheetRows)."""

    def __init__(self, session: Session, rows: Sequence[dict[str, Any]]) -> None:
        self.session, self.today = session, today()
        self._hashes: dict[str, str] = {}
        self._by_number: dict[str, Resident] = {}
        self._by_name: dict[str, list[Resident]] = {}
        kinds = session.scalars(sa.select(TagKind).where(TagKind.deleted_at.is_(None)))
        self._kinds = {kind.name: kind for kind in kinds}
        numbers = {hash_of_number(row["identity_number"].number) for row in rows if "identity_number" in row}
        self._load(Resident.identity_hash, numbers)
        self._load(Resident.name, {row["name"] for row in rows if "name" in row})

    def _load(self, column: Any, values: Iterable[str]) -> None:
        found = sa.select(Resident).where(Resident.deleted_at.is_(None)).order_by(Resident.id).options(
            selectinload(Resident.phones), selectinload(Resident.tags).options(joinedload(ResidentTag.kind))
        )
        for some in in_pieces(sorted(values)):
            for resident in self.session.scalars(found.where(column.in_(some))):
                if resident.identity_hash:
                    self._by_number[resident.identity_hash] = resident
                same = self._by_name.setdefault(resident.name, [])
                if resident not in same:
                    same.append(resident)

    def residents(self) -> list[Resident]:
        """Everybody who was found."""
        return [resident for same in self._by_name.values() for resident in same]

    def find(self, values: dict[str, Any]) -> list[Resident]:
        """As `whom_it_means`; the identity number gives the birth date too."""
        identity: Identity | None = values.get("identity_number")
        number = identity.number if identity else None
        return whom_it_means(
            self._by_number.get(hash_of_number(number)) if number else None, self._by_name.get(values["name"], ()),
            number, values.get("birth_date") or (identity.birth_date if identity else None),
            {self._hash(phone) for phone in values.get("phones", ())},
        )

    def check(self, values: dict[str, Any], record: Resident | None) -> Iterator[ValidationError]:
        """Contradictions between the row's cells, or with what is stored; unknown tags; a state without its day."""
        yield from _refused(lambda: self._check_identity(values, record))
        yield from _refused(lambda: _check_state(values, record, self.today))
        for word in values.get("tags", ()):
            if self._kind(word) is None:
                yield ValidationError(_("There is no tag “%(name)s” in the dictionary. Add it under Tags, or write one "
                                        "of: %(names)s", name=word, names="、".join(self._kinds)), "tags")
                return

    def _check_identity(self, values: dict[str, Any], record: Resident | None) -> None:
        identity: Identity | None = values.get("identity_number")
        stored = record.identity_number if record is not None else None
        if identity and stored and stored != identity.number:
            raise ValidationError(_("This resident is stored with another identity number. Check which is right."),
                                  "identity_number")
        identity = identity or (parse_identity(stored, today=self.today) if stored else None)
        if identity:
            check_against(identity, values.get("sex") or (record.sex if record is not None else None),
                          values.get("birth_date") or (record.birth_date if record is not None else None))

    def is_new(self, record: Resident | None) -> bool:
        """Whether the resident was not known."""
        return record is None

    def changes(self, values: dict[str, Any], record: Resident) -> list[str]:
        """The titles of the columns that change something."""
        changed = [key for key, value in self.fields(values, record).items()
                   if getattr(record, key) != (value.number if isinstance(value, Identity) else value)]
        known = {phone.number_hash for phone in record.phones}
        changed += ["phones"] if {self._hash(p) for p in values.get("phones", ())} - known else []
        changed += ["tags"] if self._missing_tags(values, record) else []
        titles = {column.key: str(column.title) for column in resident_columns()}
        told = [f"{record.name} → {values['name']}"] if "name" in changed else []
        return told + [titles[key] for key in titles if key in changed and key != "name"]

    def apply(self, values: dict[str, Any], record: Resident | None) -> Resident:
        """Create or update; what the row does not say stays, tags and phones are added to."""
        resident = record if record is not None else new_resident()
        fields = self.fields(values, record)
        if "identity_number" in fields:
            fields["identity_number"] = fields["identity_number"].number
        fill_resident(resident, fields, self.today)
        add_phones(resident, values.get("phones", ()))
        resident.tags += [ResidentTag(kind=kind, starts_on=self.today, source=_("Roster import"))
                          for kind in self._missing_tags(values, record)]
        if record is None:
            self.session.add(resident)
        return resident

    def fields(self, values: dict[str, Any], record: Resident | None) -> dict[str, Any]:
        """What the row sets, by field. An address in one cell replaces all four parts, but separate columns win."""
        keys = ("name", "sex", "birth_date", "identity_number", "registered_here", "contact_note", "state", "state_on")
        found = {key: values[key] for key in keys if key in values}
        if found.get("sex") is Sex.UNKNOWN:
            del found["sex"]  # "not known" is no news
        if "address" in values:
            found |= vars(values["address"])
        found |= {key: values[key] for key in HOUSE_FIELDS if key in values}
        if "other_address" in values:
            found |= {"other_address": values["other_address"], "lives_elsewhere": True}
        elif HOUSE_FIELDS & found.keys() and record is not None and record.lives_elsewhere:
            found["lives_elsewhere"] = False
        return found

    def _missing_tags(self, values: dict[str, Any], record: Resident | None) -> list[TagKind]:
        have = {tag.kind for tag in record.tags if tag.holds_on(self.today)} if record is not None else set()
        wanted = dict.fromkeys(self._kind(word) for word in values.get("tags", ()))
        return [kind for kind in wanted if kind is not None and kind not in have]

    def _kind(self, word: str) -> TagKind | None:
        """A tag by its name, also where the office adds 老人 or 户 to it."""
        return self._kinds.get(word) or self._kinds.get(TAG_ENDINGS.sub("", word))

    def _hash(self, phone: str) -> str:
        if phone not in self._hashes:
            self._hashes[phone] = hash_of_phone(phone)
        return self._hashes[phone]


def in_pieces(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """As many at a time as go into one statement."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start:start + AT_ONCE]


def _refused(check: Callable[[], None]) -> list[ValidationError]:
    try:
        check()
    except ValidationError as error:
        return [error]
    return []


def _check_state(values: dict[str, Any], record: Resident | None, day: date) -> None:
    """The same rules as `check_resident`, before anything is changed."""
    state = values.get("state") or (record.state if record is not None else LifeState.ALIVE)
    since = values.get("state_on") or (record.state_on if record is not None else None)
    born = values.get("birth_date") or (record.birth_date if record is not None else None)
    if state is LifeState.ALIVE:
        return
    if since is None:
        raise ValidationError(_("Please give the day on which the person moved or died."), "state_on")
    if born and since < born:
        raise ValidationError(_("This day is before the birth date."), "state_on")


RESIDENT_SHEET = Sheet(
    name="residents", title=_l("Resident roster"), columns=resident_columns(), permission="residents.import.import",
    unique_by=SAME_PERSON, rows=ResidentRows,
)
