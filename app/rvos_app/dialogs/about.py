"""Version, licence and the parts the program stands on."""

from __future__ import annotations

import platform
import sys

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QVBoxLayout, QWidget

from rvos_app.i18n import tr
from rvos_app.panels.parts import label
from rvos_core import __version__

_ICON_PX = 64


class AboutDialog(QDialog):
    """Args: app_icon: the program's picture."""

    def __init__(self, app_icon: QIcon, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("About RVOS Studio"))
        picture = label()
        picture.setPixmap(app_icon.pixmap(_ICON_PX, _ICON_PX))
        texts = QVBoxLayout()
        texts.setSpacing(6)
        texts.addWidget(label("RVOS Studio", role="title"))
        texts.addWidget(label(tr("Version {version}", version=__version__), role="muted"))
        texts.addSpacing(6)
        texts.addWidget(
            label(tr("Describe an object in a clip in your own words and get its mask on every frame."), wraps=True)
        )
        texts.addWidget(
            label(tr("Apache License 2.0. Qt for Python is used under the LGPL."), role="muted", wraps=True)
        )
        texts.addWidget(label(versions(), role="muted", wraps=True))
        upper = QHBoxLayout()
        upper.setSpacing(18)
        upper.addWidget(picture, alignment=Qt.AlignmentFlag.AlignTop)
        upper.addLayout(texts, stretch=1)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 14)
        layout.setSpacing(14)
        layout.addLayout(upper)
        layout.addWidget(box)
        self.setMinimumWidth(460)


def versions() -> str:
    """Versions of what is loaded; nothing is imported to find out."""
    torch = sys.modules.get("torch")
    parts = [f"Python {platform.python_version()}", f"PySide6 {pyside_version}"]
    if torch is not None:
        parts.append(f"PyTorch {torch.__version__}")
    return ", ".join(parts)
