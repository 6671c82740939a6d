import { Menu as Base } from "@base-ui/react/menu";
import { Ellipsis, type LucideIcon } from "lucide-react";
import type { ReactElement } from "react";
import { IconButton } from "./button";

export interface MenuItem {
  label: string;
  icon?: LucideIcon;
  danger?: boolean;
  disabled?: boolean;
  onSelect: () => void;
}

/** More actions, behind a button. */
export function Menu({ label, items, trigger }: { label: string; items: MenuItem[]; trigger?: ReactElement }) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger ?? <IconButton icon={Ellipsis} label={label} className="icon-button-framed" />} />
      <Base.Portal>
        <Base.Positioner className="positioner" sideOffset={4} align="end">
          <Base.Popup className="menu">
            {items.map(({ label, icon: Icon, danger, disabled, onSelect }) => (
              <Base.Item key={label} className={`menu-item ${danger ? "menu-item-danger" : ""}`} disabled={disabled} onClick={onSelect}>
                {Icon && <Icon aria-hidden />}
                {label}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
